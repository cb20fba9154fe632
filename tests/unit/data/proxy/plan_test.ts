/** The plan of a request: one object for many requests, of which none may see what was planned for another. */
import { assert, assertEquals } from "@test/assert";
import { Cluster } from "../../../../lib/data/cluster/cluster.ts";
import { RequestPlan } from "../../../../lib/data/proxy/plan.ts";
import type { Upstream } from "../../../../lib/data/proxy/upstream.ts";
import { blockBase, counterBytes } from "../../../../lib/plane/counters.ts";
import {
  changedService,
  defaultServicePolicy,
  type ServiceChanges,
} from "../../../support/policy.ts";

function clusterOf(service: string, changes: ServiceChanges = {}): Cluster<Upstream> {
  return new Cluster<Upstream>({ service, block: 3, endpoints: [], unusable: [] }, {
    gauge: { idle: 0 },
    policy: changedService(defaultServicePolicy, changes),
    place: {},
    random: () => 0,
    clock: { now: () => 0, sleep: () => new Promise<void>(() => {}) },
    counters: new Float64Array(counterBytes / 8),
    base: blockBase(3),
    inOrder: false,
  });
}

/** Written for every request, before anybody reads them. */
const always = new Set(["pathFrom", "pathTo", "fields"]);

function remembered(plan: RequestPlan): Record<string, unknown> {
  return Object.fromEntries(Object.entries(plan).filter(([name]) => !always.has(name)));
}

/** A plan in which everything has been set that a request can set. */
function used(): RequestPlan {
  const plan = new RequestPlan();
  const other = clusterOf("other", { fault: { abort: { status: 500, share: 1 } } });
  plan.begin(other, "outside");
  const { group, retry } = plan;
  const lines = new Uint8Array([1]);
  const values: Record<string, unknown> = {
    cluster: other,
    group,
    scope: "outside",
    pathFrom: 7,
    pathTo: 9,
    pathText: "/secret",
    fields: { dropped: 1, mesh: true },
    host: "other",
    forwardedPort: 99,
    forwardedFor: "10.0.0.9",
    forwardedHost: "other",
    responseMs: 1,
    deadlineAt: 5,
    retry: { ...retry, maxAttempts: 9 },
    rule: "canary",
    passedOver: "version=2.0",
    fault: { abort: { status: 500, share: 1 } },
    injected: { delayMs: 1, abortStatus: 500 },
    free: true,
    requestLines: lines,
    requestDrops: new Set(["x"]),
    responseLines: lines,
    responseDrops: new Set(["x"]),
    mirror: { cluster: other, group },
    hash: 4711,
    stickyId: "s1",
  };
  return Object.assign(plan, values);
}

Deno.test("plan, one that was used before is like a new one for the next request", () => {
  for (const scope of ["service", "outside", "local"] as const) {
    const shop = clusterOf("shop", { responseMs: 1234, retry: { maxAttempts: 5 } });
    const fresh = new RequestPlan();
    fresh.begin(shop, scope);
    const again = used();
    again.clear();
    again.begin(shop, scope);
    assertEquals(Object.keys(remembered(again)).sort(), Object.keys(remembered(fresh)).sort());
    for (const [name, value] of Object.entries(remembered(fresh))) {
      assert(Object.is(remembered(again)[name], value), name);
    }
  }
});

Deno.test("plan, every field there is takes part in that", () => {
  const fresh = new RequestPlan();
  fresh.begin(clusterOf("shop"), "service");
  const before = remembered(fresh);
  for (const [name, value] of Object.entries(remembered(used()))) {
    assert(!Object.is(before[name], value), name);
  }
  assertEquals(Object.keys(remembered(used())).sort(), Object.keys(before).sort());
});

Deno.test("plan, begins with all endpoints and the policy of the service", () => {
  const shop = clusterOf("shop", {
    responseMs: 1234,
    retry: { maxAttempts: 5 },
    fault: { delay: { ms: 5, share: 0.5 } },
  });
  const plan = new RequestPlan();
  plan.begin(shop, "service");
  assert(plan.cluster === shop && plan.group === shop.all);
  assertEquals([plan.scope, plan.responseMs, plan.retry.maxAttempts], ["service", 1234, 5]);
  assertEquals(plan.fault, { delay: { ms: 5, share: 0.5 } });
  assertEquals([plan.hash, plan.stickyId, plan.rule, plan.mirror], [-1, "", "", undefined]);
});

Deno.test("plan, another service brings its own times and retries, and keeps what the request is", () => {
  const shop = clusterOf("shop", { responseMs: 1000, retry: { maxAttempts: 5 } });
  const cart = clusterOf("cart", { responseMs: 50, retry: { maxAttempts: 1, perTryMs: 20 } });
  const plan = new RequestPlan();
  plan.begin(shop, "service");
  plan.hash = 7;
  plan.changeService(cart);
  assert(plan.cluster === cart && plan.retry === cart.policy.retry);
  assertEquals([plan.responseMs, plan.scope, plan.hash], [50, "service", 7]);
});
