/** What every balancer has to do, whatever its policy. */
import { assert, assertEquals } from "@test/assert";
import { type BalancerKind, balancerKinds } from "../../lib/core/traffic.ts";
import type { Balancer, PickRequest } from "../../lib/data/balance/balancer.ts";
import {
  type Candidate,
  notYet,
  observeAnswer,
  observeRefusal,
} from "../../lib/data/balance/candidate.ts";
import { createBalancer } from "../../lib/data/balance/create.ts";
import { hashText } from "../../lib/core/hash.ts";
import { balancePolicy, candidate, candidatesOf, tally, weighted } from "../support/candidates.ts";
import { type Seeded, seeded } from "../support/seeded.ts";

/** A request as the kind wants it: another key, or another session, each time. */
function requestFor(kind: BalancerKind, random: Seeded, nowMs = 1_000): PickRequest {
  const name = `visitor-number-${random.below(2 ** 31)}`;
  return {
    nowMs,
    random,
    hash: kind === "consistent_hash" ? hashText(name) : -1,
    stickyId: kind === "sticky" ? name : "",
  };
}

function picks(
  balancer: Balancer,
  list: readonly Candidate[],
  options: { readonly kind: BalancerKind; readonly count: number; readonly seed: number },
): number[] {
  const random = seeded(options.seed);
  return Array.from(
    { length: options.count },
    () => balancer.pick(list, requestFor(options.kind, random)),
  );
}

for (const kind of balancerKinds) {
  const make = (spread = 0.37) => createBalancer(balancePolicy(kind), spread);

  Deno.test(`every balancer, ${kind}: picks one of the list, whatever state it is in`, () => {
    const random = seeded(1);
    for (let round = 0; round < 60; round++) {
      const balancer = make(random());
      const unequal = random() < 0.5;
      let list = Array.from({ length: 1 + random.below(40) }, (_, index) =>
        candidate(index, {
          weight: unequal ? 10 ** (random() * 3) : 1,
          warmFromMs: random.below(3) === 0 ? notYet : 0,
        }));
      for (let call = 0; call < 300; call++) {
        const nowMs = round * 100_000 + call * random.below(500);
        const index = balancer.pick(list, requestFor(kind, random, nowMs));
        const one = list[index];
        assert(one !== undefined, `${index} of ${list.length}`);
        const decayMs = 10_000;
        if (random.below(4) === 0) observeRefusal(one, 1, { nowMs, decayMs, retryAfterMs: 0 });
        else observeAnswer(one, random() * 100, { nowMs, decayMs });
        one.open = random.below(20);
        if (random.below(20) === 0 && list.length > 1) {
          const gone = random.below(list.length);
          list = list.filter((_, place) => place !== gone);
        }
      }
    }
  });

  Deno.test(`every balancer, ${kind}: the only endpoint gets everything`, () => {
    for (const fields of [{}, { warmFromMs: notYet }, { refusals: 3, refusedUntilMs: 1e9 }]) {
      const list = [candidate(1, { ...fields, open: 100 })];
      assertEquals(new Set(picks(make(), list, { kind, count: 200, seed: 2 })), new Set([0]));
    }
  });

  Deno.test(`every balancer, ${kind}: idle endpoints alike in all share by weight`, () => {
    for (const weights of [[1, 1, 1, 1, 1], [1, 2, 3, 4], [90, 10], [0.5, 0.5, 2]]) {
      const list = weighted(weights).map((one) => ({ ...one, latencyMs: 10, latencyAtMs: 1_000 }));
      const count = 30_000;
      const counts = tally(
        list.length,
        picks(make(), list, { kind, count, seed: 3 }),
      );
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      for (const [index, weight] of weights.entries()) {
        const expected = (count * weight) / total;
        assert(Math.abs(counts[index]! - expected) < expected * 0.08, `${weights}: ${counts}`);
      }
    }
  });

  Deno.test(`every balancer, ${kind}: an endpoint that comes gets its share, others go on`, () => {
    const balancer = make();
    const list = candidatesOf(4);
    picks(balancer, list, { kind, count: 1_000, seed: 4 });
    const longer = [candidate(50), ...list];
    const counts = tally(5, picks(balancer, longer, { kind, count: 10_000, seed: 5 }));
    assert(Math.min(...counts) > 1_700 && Math.max(...counts) < 2_300, `${counts}`);
    const shorter = tally(2, picks(balancer, list.slice(2), { kind, count: 4_000, seed: 6 }));
    assert(Math.min(...shorter) > 1_800, `${shorter}`);
  });

  Deno.test(`every balancer, ${kind}: two lists taken in turns are each spread evenly`, () => {
    const balancer = make();
    const random = seeded(7);
    const near = candidatesOf(3);
    const far = candidatesOf(40);
    const nearCounts = [0, 0, 0];
    const farCounts = Array<number>(40).fill(0);
    for (let call = 0; call < 20_000; call++) {
      nearCounts[balancer.pick(near, requestFor(kind, random))]!++;
      farCounts[balancer.pick(far, requestFor(kind, random))]!++;
    }
    assert(Math.min(...nearCounts) > 6_300, `${nearCounts}`);
    assert(Math.min(...farCounts) > 380 && Math.max(...farCounts) < 620, `${farCounts}`);
  });

  Deno.test(`every balancer, ${kind}: a newcomer gets a tenth at first, half half-way, then all`, () => {
    for (const [warmFromMs, share] of [[notYet, 0.1], [-14_000, 0.5], [-29_000, 1]] as const) {
      const list = [...candidatesOf(9), candidate(10, { warmFromMs })];
      const counts = tally(10, picks(make(), list, { kind, count: 40_000, seed: 8 }));
      const expected = (40_000 * share) / (9 + share);
      const ratio = counts[9]! / expected;
      assert(ratio > 0.7 && ratio < 1.3, `${share}: ${counts[9]} for ${expected}`);
    }
  });

  Deno.test(`every balancer, ${kind}: looking moves nothing`, () => {
    const list = weighted([1, 2, 3, 4, 5, 6]);
    const plain = make();
    const watched = make();
    const random = seeded(9);
    const same = seeded(9);
    const other = seeded(10);
    for (let call = 0; call < 300; call++) {
      for (let look = 0; look < 3; look++) {
        const index = watched.peek(list, requestFor(kind, other));
        assert(list[index] !== undefined);
      }
      assertEquals(
        watched.pick(list, requestFor(kind, random)),
        plain.pick(list, requestFor(kind, same)),
      );
    }
    assert((watched.sessions?.size ?? 0) <= 300);
  });

  Deno.test(`every balancer, ${kind}: a pick among five thousand looks at no more than a few`, () => {
    for (const weigh of [() => 1, (index: number) => 1 + (index % 7)]) {
      let looks = 0;
      const list = new Proxy(
        Array.from({ length: 5_000 }, (_, index) => candidate(index, { weight: weigh(index) })),
        {
          get(target, name) {
            if (typeof name === "string" && /^\d+$/.test(name)) looks++;
            return Reflect.get(target, name);
          },
        },
      );
      const balancer = make();
      const random = seeded(11);
      // Once for what is worked out per list, and per key.
      const requests = Array.from({ length: 50 }, () => requestFor(kind, random));
      for (const request of [...requests, ...requests]) balancer.pick(list, request);
      looks = 0;
      for (const request of requests) balancer.pick(list, request);
      assert(looks <= 5 * requests.length, `${looks} looks for ${requests.length} picks`);
    }
  });

  Deno.test(`every balancer, ${kind}: a thousand sidecars do not begin with the same endpoint`, () => {
    const random = seeded(12);
    const list = candidatesOf(10);
    const counts = tally(
      10,
      Array.from(
        { length: 1_000 },
        () => make(random()).pick(list, requestFor(kind, random)),
      ),
    );
    assert(Math.min(...counts) > 60 && Math.max(...counts) < 145, `${counts}`);
  });

  Deno.test(`every balancer, ${kind}: what it keeps for its callers has a bound`, () => {
    const balancer = make();
    picks(balancer, candidatesOf(3), { kind, count: 25_000, seed: 13 });
    const kept = balancer.sessions?.size ?? 0;
    assert(kind === "sticky" ? kept === 10_000 : kept === 0, `${kept}`);
  });
}
