import { assert, assertEquals } from "@test/assert";
import {
  createPolicies,
  type PoliciesView,
  type PolicyAnswer,
  type PolicyPlace,
} from "../../../../lib/control/api/policies.ts";

/** A view that notes what it is asked and answers as it is told. */
function scripted(answer: PolicyAnswer = { ok: true, changed: ["retry.hedge"] }) {
  const asked: (readonly [string, PolicyPlace, unknown?])[] = [];
  const view: PoliciesView = {
    groups: ["retry", "routes"],
    all: () => ({ all: true }),
    service: (service) => ({ service }),
    provider: () => ({ provider: true }),
    put: (place, value) => {
      asked.push(["put", place, value]);
      return answer;
    },
    remove: (place) => {
      asked.push(["remove", place]);
      return place.kind === "provider" ? undefined : answer;
    },
  };
  return { app: createPolicies(view), asked };
}

const reads: readonly (readonly [path: string, body: unknown])[] = [
  ["/policies", { all: true }],
  ["/policies/provider", { provider: true }],
  ["/policies/services/my.cart", { service: "my.cart" }],
];

for (const [path, body] of reads) {
  Deno.test(`policies, GET ${path} shows what is in force`, async () => {
    const response = await scripted().app.request(path);
    assertEquals([response.status, await response.json()], [200, body]);
  });
}

const writes: readonly (readonly [path: string, value: unknown, place: PolicyPlace])[] = [
  ["/policies/services/Cart", { retry: {} }, { kind: "service", name: "Cart" }],
  ["/policies/services/a%20b", {}, { kind: "service", name: "a b" }],
  ["/policies/provider", { rate_limits: [] }, { kind: "provider" }],
  ["/policies/retry", { hedge: true }, { kind: "group", group: "retry" }],
  ["/policies/routes", [{ name: "a" }], { kind: "group", group: "routes" }],
];

for (const [path, value, place] of writes) {
  Deno.test(`policies, PUT ${path} changes this place and says how long that holds`, async () => {
    const { app, asked } = scripted();
    const response = await app.request(path, { method: "PUT", body: JSON.stringify(value) });
    assertEquals(response.status, 200);
    const answer = await response.json();
    assertEquals(answer.changed, ["retry.hedge"]);
    assert.match(answer.kept, /until this sidecar ends/);
    assertEquals(asked, [["put", place, value]]);
  });
}

const refusals:
  readonly (readonly [method: string, path: string, body: string | undefined, status: number])[] = [
    ["PUT", "/policies/retry", "{", 400],
    ["PUT", "/policies/retry", "", 400],
    ["PUT", "/policies/retry", "5", 400],
    ["PUT", "/policies/retry", "null", 400],
    ["PUT", "/policies/nonsense", "{}", 404],
    ["PUT", "/policies/services", "{}", 404],
    ["DELETE", "/policies/nonsense", undefined, 404],
    ["DELETE", "/policies/provider", undefined, 404],
    ["PUT", "/policies/retry", JSON.stringify("x".repeat(1024 * 1024)), 413],
  ];

for (const [method, path, body, status] of refusals) {
  Deno.test(`policies, ${method} ${path} with ${body?.slice(0, 9) ?? "nothing"} is a problem with ${status}`, async () => {
    const { app, asked } = scripted();
    const response = await app.request(path, { method, ...(body === undefined ? {} : { body }) });
    assertEquals(response.status, status);
    assertEquals(response.headers.get("content-type"), "application/problem+json");
    assertEquals((await response.json()).status, status);
    assertEquals(asked.filter(([what]) => what === "put"), []);
  });
}

Deno.test("policies, a refused change answers 422 with every mistake and its path", async () => {
  const mistakes = [
    { where: "retry.max_attempts", problem: "retry.max_attempts: 0 is too small" },
    { where: "retry.hege", problem: "retry.hege: is not a key" },
  ];
  const { app } = scripted({ ok: false, mistakes });
  const response = await app.request("/policies/retry", { method: "PUT", body: "{}" });
  assertEquals(response.status, 422);
  assertEquals(response.headers.get("content-type"), "application/problem+json");
  assertEquals((await response.json()).mistakes, mistakes);
});

Deno.test("policies, DELETE takes the change away", async () => {
  const { app, asked } = scripted();
  const response = await app.request("/policies/services/Cart", { method: "DELETE" });
  assertEquals([response.status, (await response.json()).changed], [200, ["retry.hedge"]]);
  assertEquals(asked, [["remove", { kind: "service", name: "Cart" }]]);
});
