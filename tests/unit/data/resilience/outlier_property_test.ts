/** Passive outlier detection under random traffic: what must hold whatever happens. */
import { assert, assertEquals } from "@test/assert";
import type { OutlierPolicy } from "../../../../lib/core/traffic.ts";
import type { EndpointHealth } from "../../../../lib/data/resilience/endpoint_health.ts";
import { inPanic } from "../../../../lib/data/resilience/outlier.ts";
import { type Seeded, seeded } from "../../../support/seeded.ts";
import { clusterOf, policy } from "./health.ts";

Deno.test("outlier, under random traffic the cap holds, one request decides, and the sum of the ejected is right", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seeded(seed);
    const count = 1 + random.below(12);
    const { cluster, endpoints } = clusterOf(count, { random });
    const open: { endpoint: EndpointHealth; ticket: number; probe: boolean }[] = [];
    let nowMs = 0;
    for (let step = 0; step < 4000; step++) {
      nowMs += random.below(200);
      const endpoint = random.of(endpoints);
      if (random() < 0.6 && endpoint.mayPick(nowMs, 0)) {
        const before = endpoint.state;
        const ticket = endpoint.begin(nowMs);
        const probe = endpoint.state === "probation";
        // Only a silent one may be followed by another.
        assert.ok(!probe || before === "ejected" || before === "probation");
        if (random() < 0.95) open.push({ endpoint, ticket, probe });
      } else if (open.length > 0) {
        const [done] = open.splice(random.below(open.length), 1);
        const failing = random() < (endpoints.indexOf(done!.endpoint) % 3) * 0.45;
        if (random() < 0.1) done!.endpoint.abandoned(done!.ticket, nowMs);
        else if (!failing) done!.endpoint.succeeded(done!.ticket, nowMs);
        else if (random() < 0.5) done!.endpoint.failed(done!.ticket, nowMs);
        else done!.endpoint.serverError(done!.ticket, nowMs);
      }
      const out = endpoints.filter((each) => each.state !== "healthy");
      assertEquals(cluster.ejected, out.length);
      const most = count < 2 ? 0 : Math.max(1, Math.floor(count * policy.maxEjectedShare));
      assert.ok(out.length <= most, `${out.length} of ${count}`);
      // Whoever is out may be tried within the longest time, or that of a silent request.
      for (const each of out) assert.ok(each.untilMs - nowMs <= policy.maxEjectMs);
    }
  }
});

for (const share of [0.05, 0.2, 0.5, 0.8, 1]) {
  Deno.test(`outlier, an application that fails everywhere in ${share * 100} of 100 has nobody ejected`, () => {
    let ejections = 0;
    for (let seed = 1; seed <= 10; seed++) {
      const random = seeded(seed);
      const { endpoints } = clusterOf(10, { random });
      for (let nowMs = 0; nowMs < 60_000; nowMs += 10) {
        const endpoint = random.of(endpoints);
        const ticket = endpoint.begin(nowMs);
        if (random() >= share) endpoint.succeeded(ticket, nowMs);
        else if (endpoint.serverError(ticket, nowMs) !== "none") ejections++;
      }
    }
    assertEquals(ejections, 0);
  });
}

Deno.test("outlier, the one of ten that fails every third request is found within seconds, and only that one", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seeded(seed);
    const { endpoints } = clusterOf(10, { random });
    let foundMs = Infinity;
    for (let nowMs = 0; nowMs < 30_000 && foundMs === Infinity; nowMs += 10) {
      const endpoint = random.of(endpoints);
      const ticket = endpoint.begin(nowMs);
      const failing = random() < (endpoint === endpoints[0] ? 0.34 : 0.01);
      if (!failing) endpoint.succeeded(ticket, nowMs);
      else if (endpoint.serverError(ticket, nowMs) !== "none") foundMs = nowMs;
    }
    assert.ok(foundMs < 20_000, `${foundMs}`);
    assertEquals(endpoints.map((each) => each.state === "ejected").indexOf(true), 0);
  }
});

for (
  const { title, changes, panics } of [
    { title: "while the cap holds", changes: {}, panics: false },
    { title: "in panic", changes: { maxEjectedShare: 1 }, panics: true },
    { title: "without panic", changes: { maxEjectedShare: 1, panicShare: 0 }, panics: false },
  ]
) {
  Deno.test(`outlier, all fail and one heals ${title}: it answers within one ejection time and is not overrun`, () => {
    for (let seed = 1; seed <= 5; seed++) {
      const found = heal({ ...policy, ...changes }, seeded(seed));
      assert.ok(found.firstGoodMs <= found.longestOutMs, `seed ${seed}: ${found.firstGoodMs}`);
      assert.ok(found.firstGoodMs < 9000, `seed ${seed}: ${found.firstGoodMs}`);
      assertEquals([found.state, found.panicked], ["healthy", panics]);
      // It may have one more at a time than it has answered since it came back.
      assert.ok(found.overrun <= 0, `seed ${seed}: ${found.overrun} too many`);
    }
  });
}

/** Five endpoints fail for ten seconds, then the first answers again, in 20 ms, while ten requests come. */
function heal(changed: OutlierPolicy, random: Seeded) {
  const healsMs = 10_000;
  const { cluster, endpoints } = clusterOf(5, { random, changes: changed });
  const [healing] = endpoints;
  const open = endpoints.map(() => 0);
  const ends: { atMs: number; index: number; ticket: number; good: boolean }[] = [];
  let firstGoodMs = Infinity, overrun = -Infinity, longestOutMs = 0, goodSince = 0;
  let panicked = false;
  for (let nowMs = 0; nowMs < 25_000; nowMs += 2) {
    for (const done of ends.filter((each) => each.atMs <= nowMs)) {
      ends.splice(ends.indexOf(done), 1);
      open[done.index]!--;
      const endpoint = endpoints[done.index]!;
      if (done.good) {
        endpoint.succeeded(done.ticket, nowMs);
        goodSince++;
        firstGoodMs = Math.min(firstGoodMs, nowMs - healsMs);
      } else if (endpoint.failed(done.ticket, nowMs) !== "none") {
        longestOutMs = Math.max(longestOutMs, endpoint.untilMs - nowMs);
      }
    }
    const panic = inPanic(5 - cluster.ejected, 5, changed);
    panicked ||= panic;
    const usable = endpoints.map((_, index) => index)
      .filter((index) => panic || endpoints[index]!.mayPick(nowMs, open[index]!));
    if (usable.length === 0) continue;
    const index = random.of(usable);
    const good = index === 0 && nowMs >= healsMs;
    const ticket = endpoints[index]!.begin(nowMs);
    open[index]!++;
    if (good && !panic && healing!.ramping(nowMs)) {
      overrun = Math.max(overrun, open[0]! - (goodSince + 1));
    }
    ends.push({ atMs: nowMs + (good ? 20 : 2), index, ticket, good });
  }
  return { firstGoodMs, longestOutMs, overrun, panicked, state: healing!.state };
}
