/**
 * A plain HTTP program that knows nothing of mesher: writes down every request that reaches it before it does anything
 * else, takes its time, and says who it is.
 *
 * Run as `process_app.ts PORT FILE NAME`. One line a request goes to FILE: method, x-request-id.
 */
const [port = "", file = "", name = ""] = Deno.args;
const arrivals = Deno.openSync(file, { create: true, append: true });
const encoder = new TextEncoder();

Deno.serve({ hostname: "127.0.0.1", port: Number(port), onListen: () => {} }, async (request) => {
  const id = request.headers.get("x-request-id") ?? "-";
  arrivals.writeSync(encoder.encode(`${request.method} ${id}\n`));
  const body = await request.arrayBuffer();
  const ms = Number(new URL(request.url).searchParams.get("ms") ?? 0);
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
  return Response.json({ name, id, bytes: body.byteLength });
});
