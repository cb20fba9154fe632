/**
 * A plain HTTP program that knows nothing of mesher and serves a fixed number of requests at a time; the others wait in
 * a line without end, as in most programs.
 *
 * Run as `policy_app.ts NAME FILE [AT_A_TIME]`. One line a request goes to FILE as it arrives: method, x-request-id.
 * Another goes to FILE.done when it was worked on: x-request-id, then when that began and ended, in milliseconds since
 * 1970. `?ms=N`: how long a request is worked on. `/gated`: until FILE.open exists. `/half`: half an answer, the rest
 * after that time. `/quick`: answered beside the line. It prints its port.
 */
const [name = "", file = "", atATime = "1000"] = Deno.args;
const arrivals = Deno.openSync(file, { create: true, append: true });
const done = Deno.openSync(`${file}.done`, { create: true, append: true });
const encoder = new TextEncoder();
const waiting: (() => void)[] = [];
let free = Number(atATime);

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

async function gateOpens(): Promise<void> {
  while (await Deno.stat(`${file}.open`).then(() => false, () => true)) await pause(5);
}

async function work(id: string, run: () => Promise<void>): Promise<void> {
  if (free > 0) free--;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  const begunMs = nowMs();
  await run();
  done.writeSync(encoder.encode(`${id} ${begunMs} ${nowMs()}\n`));
  const next = waiting.shift();
  if (next === undefined) free++;
  else next();
}

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.error(`app on ${port}`),
}, async (request) => {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/quick") return new Response(name);
  const id = request.headers.get("x-request-id") ?? "-";
  arrivals.writeSync(encoder.encode(`${request.method} ${id}\n`));
  await request.arrayBuffer();
  const ms = Number(searchParams.get("ms") ?? 0);
  const run = () => pathname === "/gated" ? gateOpens() : pause(ms);
  if (pathname !== "/half") {
    await work(id, run);
    return new Response(name);
  }
  const half = encoder.encode("h".repeat(1000));
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async start(controller) {
      controller.enqueue(half);
      await work(id, run);
      controller.enqueue(half);
      controller.close();
    },
  });
  return new Response(body, { headers: { "content-length": "2000" } });
});
