/** A backend that takes about two milliseconds for every answer: `slow_backend.ts PORT`. */
const body = JSON.stringify({ ok: true, filler: "x".repeat(80) });

Deno.serve({ hostname: "127.0.0.1", port: Number(Deno.args[0]), onListen: () => {} }, async () => {
  await new Promise((resolve) => setTimeout(resolve, 2));
  return new Response(body, { headers: { "content-type": "application/json" } });
});
