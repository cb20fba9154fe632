/**
 * A plain HTTP program that knows neither mesher nor a framework: tells how it was called and, when it was given a
 * URL, what that said when called in turn.
 *
 * Run as `chassis_app.ts PORT NAME [URL]`.
 */
const [port = "", by = "", next] = Deno.args;

Deno.serve({ hostname: "127.0.0.1", port: Number(port), onListen: () => {} }, async (request) => {
  const { pathname, search } = new URL(request.url);
  const told = {
    by,
    method: request.method,
    who: pathname.replace(/^\/hello\//, ""),
    query: search.slice(1),
    body: await request.text(),
    context: request.headers.get("x-cse-context") ?? "",
    host: request.headers.get("host") ?? "",
  };
  if (next === undefined) return Response.json(told);
  const response = await fetch(next);
  return Response.json({ ...told, next: { status: response.status, told: await response.json() } });
});
