/** A worker that is either a program to be called or one that calls: 250 times a second, whatever is late. */
const scope = self as unknown as {
  onmessage: (event: MessageEvent<Job>) => void;
  postMessage(message: unknown): void;
};

export type Job =
  | { readonly kind: "serve" }
  | { readonly kind: "call"; readonly port: number; readonly host: string; readonly forMs: number };

const answer = new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
const gapMs = 4;
/** As many calls as may be late at once. */
const connections = 1024;
/** Opened and closed together: all of them in one turn would take a data thread longer than what is measured. */
const together = 16;

scope.onmessage = ({ data }) => {
  if (data.kind === "serve") {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    scope.postMessage(listener.addr.port);
    serve(listener);
  } else call(data).then((tookMs) => scope.postMessage(tookMs));
};

async function serve(listener: Deno.TcpListener): Promise<void> {
  for await (const conn of listener) {
    (async () => {
      const buffer = new Uint8Array(4096);
      while (await conn.read(buffer) !== null) await conn.write(answer);
    })().catch(() => {});
  }
}

/** Open loop: no call waits for another, so that a pause is felt by all that fall into it. */
async function call({ port, host, forMs }: Extract<Job, { kind: "call" }>): Promise<number[]> {
  const conns: Deno.Conn[] = [];
  while (conns.length < connections) {
    conns.push(
      ...await Promise.all(
        Array.from({ length: together }, () => Deno.connect({ hostname: "127.0.0.1", port })),
      ),
    );
  }
  const free = [...conns];
  const request = new TextEncoder().encode(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  const tookMs: number[] = [];
  const one = async () => {
    const conn = free.pop();
    if (conn === undefined) throw new Error(`${connections} calls are late at once`);
    const begunMs = performance.now();
    await conn.write(request);
    const buffer = new Uint8Array(4096);
    const count = await conn.read(buffer) ?? 0;
    const head = new TextDecoder().decode(buffer.subarray(0, count));
    if (!head.startsWith("HTTP/1.1 200")) throw new Error(head);
    tookMs.push(performance.now() - begunMs);
    free.push(conn);
  };
  const begunMs = performance.now();
  const calls: Promise<void>[] = [];
  for (let index = 0; index * gapMs < forMs; index++) {
    const dueMs = begunMs + index * gapMs;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    calls.push(one());
  }
  await Promise.all(calls);
  for (let index = 0; index < connections; index++) {
    conns[index]!.close();
    if (index % together === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return tookMs;
}
