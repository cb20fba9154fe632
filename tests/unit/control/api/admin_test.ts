/** The admin API over a view written by hand. */
import { assertEquals, assertMatch } from "@test/assert";
import { type AdminView, createAdmin } from "../../../../lib/control/api/admin.ts";

function view(overrides: Partial<AdminView> = {}): AdminView {
  return {
    readiness: () => ({ ready: true, reasons: [], notes: ["a note"] }),
    metrics: () => "mesher_up 1\n",
    services: () => [{ service: "Cart" }],
    status: () => ({ draining: false }),
    configuration: () => ({ app: "shop" }),
    ...overrides,
  };
}

async function get(
  over: Partial<AdminView>,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string; type: string }> {
  const answer = await createAdmin(view(over)).request(path, { headers });
  const type = answer.headers.get("content-type") ?? "";
  return { status: answer.status, body: await answer.text(), type };
}

Deno.test("admin, liveness is 200 whatever the readiness", async () => {
  const over = { readiness: () => ({ ready: false, reasons: ["down"], notes: [] }) };
  assertEquals((await get(over, "/healthz")).status, 200);
});

Deno.test("admin, readiness is 200 or 503 and says why", async () => {
  const ready = await get({}, "/readyz");
  assertEquals([ready.status, JSON.parse(ready.body).notes], [200, ["a note"]]);
  const over = { readiness: () => ({ ready: false, reasons: ["down"], notes: [] }) };
  const unready = await get(over, "/readyz");
  assertEquals([unready.status, JSON.parse(unready.body).reasons], [503, ["down"]]);
});

Deno.test("admin, metrics come as Prometheus text", async () => {
  const { body, type } = await get({}, "/metrics");
  assertEquals(body, "mesher_up 1\n");
  assertMatch(type, /^text\/plain; version=0\.0\.4/);
});

for (
  const [path, expected] of [
    ["/services", [{ service: "Cart" }]],
    ["/status", { draining: false }],
    ["/config", { app: "shop" }],
  ] as const
) {
  Deno.test(`admin, ${path} answers what the view says`, async () => {
    const { status, body } = await get({}, path);
    assertEquals([status, JSON.parse(body)], [200, expected]);
  });
}

Deno.test("admin, with a token everything but health wants it", async () => {
  const over = { token: "correct horse" };
  assertEquals((await get(over, "/healthz")).status, 200);
  assertEquals((await get(over, "/readyz")).status, 200);
  for (const given of ["", "Bearer wrong horse", "Bearer correct horse2", "correct horse"]) {
    const { status } = await get(over, "/status", given === "" ? {} : { authorization: given });
    assertEquals(status, 401, given);
  }
  const { status } = await get(over, "/status", { authorization: "Bearer correct horse" });
  assertEquals(status, 200);
});

Deno.test("admin, an unknown path names the known ones", async () => {
  const { status, body } = await get({}, "/metric");
  assertEquals(status, 404);
  assertMatch(body, /"\/metrics"/);
});

Deno.test("admin, a view that throws is a 500 with its words and no crash", async () => {
  const over = {
    status: () => {
      throw new Error("not started");
    },
  };
  const { status, body } = await get(over, "/status");
  assertEquals([status, JSON.parse(body)], [500, { error: "not started" }]);
});
