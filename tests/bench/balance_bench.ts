/** What a pick costs, by policy and number of endpoints. */
import { type BalancePolicy, balancerKinds } from "../../lib/core/traffic.ts";
import { type Candidate, freshNumbers } from "../../lib/data/balance/candidate.ts";
import { createBalancer } from "../../lib/data/balance/create.ts";
import { hashText } from "../../lib/core/hash.ts";
import { seeded } from "../support/seeded.ts";

const random = seeded(1);

function policy(kind: BalancePolicy["kind"]): BalancePolicy {
  return {
    kind,
    hashOn: { kind: "source" },
    slowStartMs: 30_000,
    locality: "off",
    decayMs: 10_000,
    stickyIdleMs: 300_000,
    stickyFailures: 5,
  };
}

function candidates(count: number, weigh: (index: number) => number): Candidate[] {
  return Array.from({ length: count }, (_, index) => ({
    ...freshNumbers,
    key: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}:8080`,
    weight: weigh(index),
    open: random.below(4),
    latencyMs: 5 + random() * 20,
    meanMs: 5 + random() * 20,
  }));
}

const ids = Array.from(
  { length: 1024 },
  (_, index) => `session-number-${index}-aaaaaaaaaaaaaaaaaaaaa`,
);
const hashes = ids.map((id) => hashText(id));
const request = { nowMs: 1_000, random: Math.random, hash: -1, stickyId: "" };

for (const count of [3, 100, 5_000]) {
  for (const kind of balancerKinds) {
    for (const weights of ["equal", "unequal"] as const) {
      const balancer = createBalancer(policy(kind), random());
      const list = candidates(count, (index) => weights === "equal" ? 1 : 1 + (index % 5));
      let turn = 0;
      const pick = () => {
        turn++;
        request.nowMs = 1_000 + turn / 20;
        request.hash = kind === "consistent_hash" ? hashes[turn & 1023]! : -1;
        request.stickyId = kind === "sticky" ? ids[turn & 1023]! : "";
        return balancer.pick(list, request);
      };
      // Tables that fill as they are used are full before the clock runs.
      for (let index = 0; index < 2_000; index++) pick();
      Deno.bench(`${kind}, ${weights} weights`, { group: `${count} endpoints` }, () => {
        pick();
      });
    }
  }
}

Deno.bench("hash of an address", { group: "hash" }, () => {
  hashText("10.123.45.67:8080");
});
