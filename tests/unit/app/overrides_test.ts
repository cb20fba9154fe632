import { assert, assertEquals } from "@test/assert";
import { Overrides } from "../../../lib/app/overrides.ts";
import { policiesView, type PolicyHolder } from "../../../lib/app/policies_view.ts";
import type { PolicyOrigins, TrafficOrigins } from "../../../lib/app/traffic_origins.ts";
import type { PolicyPlace } from "../../../lib/control/api/policies.ts";
import type { Config } from "../../../lib/config/schema.ts";
import { load } from "../config/support.ts";

const cart: PolicyPlace = { kind: "service", name: "Cart" };
const retry: PolicyPlace = { kind: "group", group: "retry" };
const routes: PolicyPlace = { kind: "group", group: "routes" };
const provider: PolicyPlace = { kind: "provider" };

async function baseOf(given: Parameters<typeof load>[0]) {
  const result = await load(given);
  assert.ok(result.ok, JSON.stringify(result));
  return result;
}

/** A sidecar without threads, that notes what it puts in force. */
class Holder implements PolicyHolder {
  readonly applied: (readonly string[])[] = [];

  constructor(public config: Config, readonly overrides: Overrides) {}

  static async of(given: Parameters<typeof load>[0]): Promise<Holder> {
    const { config, merged } = await baseOf(given);
    return new Holder(config, new Overrides(merged));
  }

  applyPolicies(config: Config, changed: readonly string[]): void {
    this.config = config;
    this.applied.push(changed);
  }
}

const file =
  "retry: {max_attempts: 2}\nservices: {Cart: {retry: {hedge: true}, routes: [{name: a}]}}";

Deno.test("a change of one service is in force at once, key by key over the file", async () => {
  const holder = await Holder.of({ file });
  const view = policiesView(holder);
  const answer = view.put(cart, { retry: { max_attempts: 1 }, routes: [] });
  assertEquals(answer, { ok: true, changed: ["services.Cart"] });
  assertEquals(holder.applied, [["services.Cart"]]);
  assertEquals(holder.config.services["Cart"], {
    retry: { hedge: true, maxAttempts: 1 },
    routes: [],
  });
});

Deno.test("another change of the same place takes the place of the first", async () => {
  const holder = await Holder.of({ file });
  const view = policiesView(holder);
  view.put(retry, { max_attempts: 5, hedge: true });
  view.put(retry, { base_delay: "1ms" });
  assertEquals(
    [holder.config.retry.maxAttempts, holder.config.retry.hedge, holder.config.retry.baseDelayMs],
    [2, false, 1],
  );
});

Deno.test("changes of several places stand beside each other, and each can be taken away", async () => {
  const holder = await Holder.of({ file });
  const before = holder.config;
  const view = policiesView(holder);
  view.put(cart, { breaker: { force: "open" } });
  view.put({ kind: "service", name: "Pay" }, { fault: { abort_percent: 100 } });
  view.put(routes, [{ name: "all" }]);
  view.put(provider, { rate_limits: [{ name: "a", per_second: 1 }] });
  view.put({ kind: "group", group: "egress" }, "deny");
  assertEquals(Object.keys(holder.config.services), ["Cart", "Pay"]);
  assertEquals(holder.config.routes.length, 1);
  assertEquals(holder.config.provider.rateLimits.length, 1);
  assertEquals(holder.config.egress, "deny");

  assertEquals(view.remove(cart), { ok: true, changed: ["services.Cart"] });
  assertEquals(view.remove({ kind: "service", name: "Pay" }), {
    ok: true,
    changed: ["services.Pay"],
  });
  assertEquals(view.remove(routes), { ok: true, changed: ["routes"] });
  assertEquals(view.remove(provider), { ok: true, changed: ["provider.rate_limits"] });
  view.remove({ kind: "group", group: "egress" });
  assertEquals(holder.config, before);
  assertEquals(holder.overrides.changes, {});
  assertEquals(view.remove(cart), undefined);
});

Deno.test("a bad change is refused whole with every mistake, and what was in force stays", async () => {
  const holder = await Holder.of({ file });
  const view = policiesView(holder);
  view.put(retry, { max_attempts: 4 });
  const before = holder.config;
  const answer = view.put(cart, {
    retry: { max_attempts: 0, hege: true },
    routes: [{ name: "a", match: { path: { regex: "(" } } }],
    outlier: { base_eject: "1s" },
  });
  assertEquals(answer, {
    ok: false,
    mistakes: [
      {
        where: "services.Cart.retry.max_attempts",
        problem:
          "services.Cart.retry.max_attempts: 0 is not a whole number from 1 to 100 (from the admin API)",
      },
      {
        where: "services.Cart.retry.hege",
        problem:
          "services.Cart.retry.hege: is not a key of the configuration; did you mean services.Cart.retry.hedge? (from the admin API)",
      },
      {
        where: "services.Cart.routes.0.match.path.regex",
        problem:
          'services.Cart.routes.0.match.path.regex: "(" is not a regular expression: a ( has no ) after it (from the admin API)',
      },
    ],
  });
  assertEquals([holder.config, holder.applied.length], [before, 1]);
  assertEquals(holder.overrides.changes, { retry: { max_attempts: 4 } });
});

Deno.test("a change that contradicts what it does not replace is refused", async () => {
  const holder = await Holder.of({ file: "retry: {base_delay: 100ms}" });
  const answer = policiesView(holder).put(retry, { max_delay: "50ms" });
  assertEquals(answer.ok, false);
  assertEquals(holder.config.retry.maxDelayMs, 250);
});

const wrong: readonly (readonly [PolicyPlace, unknown])[] = [
  [retry, []],
  [routes, {}],
  [cart, []],
  [provider, { routes: [] }],
  [{ kind: "service", name: "a b" }, {}],
  [{ kind: "service", name: "__proto__" }, { retry: {} }],
  [{ kind: "group", group: "egress" }, "maybe"],
];

for (const [place, value] of wrong) {
  Deno.test(`a change of ${JSON.stringify(place)} to ${JSON.stringify(value)} is refused`, async () => {
    const holder = await Holder.of({});
    assertEquals(policiesView(holder).put(place, value).ok, false);
    assertEquals(holder.applied, []);
  });
}

Deno.test("a change that says what holds already changes nothing and is kept all the same", async () => {
  const holder = await Holder.of({ file });
  assertEquals(policiesView(holder).put(retry, { max_attempts: 2 }), { ok: true, changed: [] });
  assertEquals(holder.applied, []);
  assertEquals(holder.overrides.at(retry), { max_attempts: 2 });
});

Deno.test("changes outlive a reload of the file and win over it", async () => {
  const holder = await Holder.of({ file });
  policiesView(holder).put(retry, { max_attempts: 1 });
  const fresh = await baseOf({ file: "retry: {max_attempts: 9, base_delay: 3ms}" });
  const whole = holder.overrides.over(fresh.merged);
  assert.ok(whole.ok);
  assertEquals([whole.config.retry.maxAttempts, whole.config.retry.baseDelayMs], [1, 3]);
  holder.overrides.settle(fresh.merged);
  holder.config = whole.config;
  policiesView(holder).remove(retry);
  assertEquals(holder.config.retry.maxAttempts, 9);
});

Deno.test("a file that contradicts a change is found out before it is taken over", async () => {
  const holder = await Holder.of({ file });
  policiesView(holder).put(retry, { base_delay: "200ms" });
  const fresh = await baseOf({ file: "retry: {max_delay: 100ms}" });
  assertEquals(holder.overrides.over(fresh.merged).ok, false);
  assertEquals(holder.config.retry.baseDelayMs, 200);
});

Deno.test("every value in force tells where it came from", async () => {
  const holder = await Holder.of({
    file,
    env: { MESHER_BALANCE_KIND: "random" },
    flags: { "breaker.enabled": "true" },
  });
  const view = policiesView(holder);
  view.put(cart, { timeouts: { response: "1s" } });
  const shown = view.service("Cart") as PolicyOrigins & { override: unknown; service: string };
  assertEquals([shown.service, shown.override], ["Cart", { timeouts: { response: "1s" } }]);
  assertEquals(
    Object.entries(shown.origins).filter(([, origin]) => origin !== "default"),
    [
      ["balance.kind", "environment:MESHER_BALANCE_KIND"],
      ["retry.max_attempts", "file:mesher.yaml"],
      ["retry.hedge", "file:mesher.yaml"],
      ["timeouts.response", "admin"],
      ["breaker.enabled", "flag:--breaker.enabled"],
      ["routes", "file:mesher.yaml"],
    ],
  );
  assertEquals(shown.origins["outlier.window"], "default");
  assertEquals(shown.policy["timeouts"], { response: "1s" });
  assertEquals((shown.policy["retry"] as Record<string, unknown>)["max_attempts"], 2);

  const all = view.all() as TrafficOrigins & { overrides: unknown };
  assertEquals(Object.keys(all.services), ["Cart"]);
  assertEquals(all.fallback.origins["timeouts.response"], "default");
  assertEquals(all.provider.origins["provider.concurrency.limit"], "default");
  assertEquals(all.egress.policy, { egress: "allow", egress_rules: [] });
  assertEquals(all.overrides, { services: { Cart: { timeouts: { response: "1s" } } } });

  const unknown = view.service("Nobody") as PolicyOrigins;
  assertEquals(unknown.policy, all.fallback.policy);
});

Deno.test("credentials in a change are not shown", async () => {
  const holder = await Holder.of({});
  const view = policiesView(holder);
  const headers = { set: { Authorization: "Bearer geheim" } };
  assert.ok(view.put(routes, [{ name: "a", request_headers: headers }]).ok);
  assert.ok(view.put(cart, { routes: [{ name: "a", request_headers: headers }] }).ok);
  const text = JSON.stringify([view.all(), view.service("Cart"), view.provider()]);
  assert.ok(!text.includes("geheim"), text);
});
