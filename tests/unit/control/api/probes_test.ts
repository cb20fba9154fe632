/** Probes and scrapers are answered without the API's router, under the same rules. */
import { assert, assertEquals } from "@test/assert";
import { createAdmin } from "../../../../lib/control/api/admin.ts";
import { createProbes } from "../../../../lib/control/api/probes.ts";
import type { AdminView } from "../../../../lib/control/api/view.ts";
import { adminView } from "../../../support/admin_view.ts";

const secret = { token: "correct horse" };

interface Asked {
  readonly path: string;
  readonly over?: Partial<AdminView>;
  readonly method?: string;
  readonly headers?: Record<string, string>;
}

const asked: readonly Asked[] = [
  { path: "/healthz" },
  { path: "/readyz" },
  {
    path: "/readyz?verbose=1",
    over: { readiness: () => ({ ready: false, reasons: ["why"], notes: [] }) },
  },
  { path: "/metrics" },
  { path: "/metrics", headers: { accept: "application/openmetrics-text" } },
  { path: "/healthz", over: secret },
  { path: "/metrics", over: secret },
  { path: "/metrics", over: secret, headers: { authorization: "Bearer correct horse" } },
  { path: "/healthz", headers: { host: "elsewhere.example" } },
];

for (const { path, over = {}, headers = {} } of asked) {
  const words = JSON.stringify({ ...headers, ...over });
  Deno.test(`probes, GET ${path} is answered as by the whole API: ${words}`, async () => {
    const request = () => new Request(`http://127.0.0.1${path}`, { headers });
    const view = adminView(over);
    const whole = await createAdmin(view).fetch(request());
    const alone = createProbes(view)(request());
    assert(alone !== undefined);
    assertEquals(alone.status, whole.status);
    assertEquals([...alone.headers], [...whole.headers]);
    assertEquals(await alone.text(), await whole.text());
  });
}

Deno.test("probes, other paths and methods are left to the whole API", () => {
  const probes = createProbes(adminView());
  for (const path of ["/", "/healthz/", "/status", "/metrics/all"]) {
    assertEquals(probes(new Request(`http://127.0.0.1${path}`)), undefined, path);
  }
  for (const method of ["HEAD", "POST", "DELETE"]) {
    assertEquals(probes(new Request("http://127.0.0.1/healthz", { method })), undefined, method);
  }
});
