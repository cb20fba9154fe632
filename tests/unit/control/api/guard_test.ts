/** Who may call the admin API. */
import { assertEquals, assertMatch } from "@test/assert";
import { createAdmin } from "../../../../lib/control/api/admin.ts";
import type { AdminView } from "../../../../lib/control/api/view.ts";
import { adminView } from "../../../support/admin_view.ts";

async function statusOf(
  path: string,
  { over = {}, method = "GET", headers = {} }: {
    over?: Partial<AdminView>;
    method?: string;
    headers?: Record<string, string>;
  } = {},
): Promise<number> {
  const answer = await createAdmin(adminView(over)).request(path, { method, headers });
  await answer.body?.cancel();
  return answer.status;
}

const secret = { token: "correct horse" };

Deno.test("guard, with a token everything but health and the page's files wants it", async () => {
  for (const path of ["/healthz", "/readyz", "/", "/page/nothing.js"]) {
    const status = await statusOf(path, { over: secret });
    assertEquals(status === 401, false, path);
  }
  for (const path of ["/status", "/metrics", "/events", "/openapi.json", "/nothing", "/page"]) {
    assertEquals(await statusOf(path, { over: secret }), 401, path);
  }
  for (const given of ["Bearer wrong horse", "Bearer correct horse2", "correct horse", ""]) {
    assertEquals(
      await statusOf("/status", { over: secret, headers: { authorization: given } }),
      401,
      given,
    );
  }
  const headers = { authorization: "Bearer correct horse" };
  assertEquals(await statusOf("/status", { over: secret, headers }), 200);
});

Deno.test("guard, a token that a reload brings is wanted from then on", async () => {
  const view = adminView();
  let token: string | undefined = undefined;
  Object.defineProperty(view, "token", { get: () => token });
  const admin = createAdmin(view);
  assertEquals((await admin.request("/status")).status, 200);
  token = "correct horse";
  assertEquals((await admin.request("/status")).status, 401);
});

for (
  const [listens, host, expected] of [
    ["127.0.0.1", "127.0.0.1:30102", 200],
    ["127.0.0.1", "localhost:30102", 200],
    ["127.0.0.1", "LOCALHOST", 200],
    ["127.0.0.1", "[::1]:30102", 200],
    ["127.0.0.1", "127.9.9.9", 200],
    ["127.0.0.1", "evil.example:30102", 421],
    ["127.0.0.1", "127.0.0.1.evil.example", 421],
    ["127.0.0.1", "localhost.evil.example", 421],
    ["127.0.0.1", "10.0.0.5:30102", 421],
    ["127.0.0.1", "vm-7:30102", 421],
    ["127.0.0.1", "a b", 421],
    ["0.0.0.0", "10.0.0.5:30102", 200],
    ["0.0.0.0", "[fe80::1]:30102", 200],
    ["0.0.0.0", "vm-7:30102", 200],
    ["0.0.0.0", "evil.example:30102", 421],
    ["mesh.internal", "Mesh.Internal:30102", 200],
    [undefined, "anything.example", 200],
  ] as const
) {
  Deno.test(`guard, listening on ${listens}, a request for ${host} is ${expected}`, async () => {
    assertEquals(
      await statusOf("/status", { over: { host: listens }, headers: { host } }),
      expected,
    );
  });
}

const drained = { "content-type": "application/json", host: "127.0.0.1:30102" };

for (
  const [what, headers, expected] of [
    ["no origin", {}, 202],
    ["the page's own origin", { origin: "http://127.0.0.1:30102" }, 202],
    ["another site", { origin: "http://evil.example" }, 403],
    ["another port of this host", { origin: "http://127.0.0.1:8080" }, 403],
    ["a page without a name", { origin: "null" }, 403],
    ["another site by its own word", { "sec-fetch-site": "cross-site" }, 403],
    ["the same host by its own word", { "sec-fetch-site": "same-site" }, 403],
    ["the page by its own word", { "sec-fetch-site": "same-origin" }, 202],
    ["a form", { "content-type": "application/x-www-form-urlencoded" }, 415],
    ["plain text", { "content-type": "text/plain" }, 415],
    ["no type", { "content-type": "" }, 415],
    ["JSON with a charset", { "content-type": "application/json; charset=utf-8" }, 202],
  ] as const
) {
  Deno.test(`guard, a change from ${what} is ${expected}`, async () => {
    const status = await statusOf("/drain", {
      method: "POST",
      headers: { ...drained, ...headers },
    });
    assertEquals(status, expected);
  });
}

Deno.test("guard, every answer forbids scripts of others, frames and caches", async () => {
  for (const path of ["/", "/status", "/nothing"]) {
    const { headers, body } = await createAdmin(adminView()).request(path);
    await body?.cancel();
    assertMatch(
      headers.get("content-security-policy") ?? "",
      /^default-src 'none'; script-src 'self';/,
    );
    assertMatch(headers.get("content-security-policy") ?? "", /frame-ancestors 'none'/);
    assertEquals(headers.get("x-content-type-options"), "nosniff");
    assertEquals(headers.get("cache-control"), "no-store");
    assertEquals(headers.get("access-control-allow-origin"), null);
  }
});
