/**
 * A plain HTTP program that knows nothing of mesher and serves a fixed number of requests at a time; the others wait in
 * a line without end, as in most programs.
 *
 * Run as `policy_app.ts NAME FILE [AT_A_TIME]`. One line a request goes to FILE as it arrives: method, x-request-id.
 * `?ms=N`: how long a request is worked on. `/half`: half an answer, the rest after that time. It prints its port.
 */
const [name = "", file = "", atATime = "1000"] = Deno.args;
const arrivals = Deno.openSync(file, { create: true, append: true });
const encoder = new TextEncoder();
const waiting: (() => void)[] = [];
let free = Number(atATime);

async function work(ms: number): Promise<void> {
  if (free > 0) free--;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
  const next = waiting.shift();
  if (next === undefined) free++;
  else next();
}

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.error(`app on ${port}`),
}, async (request) => {
  const id = request.headers.get("x-request-id") ?? "-";
  arrivals.writeSync(encoder.encode(`${request.method} ${id}\n`));
  await request.arrayBuffer();
  const { pathname, searchParams } = new URL(request.url);
  const ms = Number(searchParams.get("ms") ?? 0);
  if (pathname !== "/half") {
    await work(ms);
    return new Response(name);
  }
  const half = encoder.encode("h".repeat(1000));
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async start(controller) {
      controller.enqueue(half);
      await work(ms);
      controller.enqueue(half);
      controller.close();
    },
  });
  return new Response(body, { headers: { "content-length": "2000" } });
});
