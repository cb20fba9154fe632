/** The endpoint of another attempt. */
import { assert, assertEquals } from "@test/assert";
import { balancerKinds } from "../../../../lib/core/traffic.ts";
import { createBalancer } from "../../../../lib/data/balance/create.ts";
import { pickUntried } from "../../../../lib/data/balance/untried.ts";
import { balancePolicy, candidatesOf, request, tally } from "../../../support/candidates.ts";

for (const kind of balancerKinds) {
  Deno.test(`another attempt, ${kind}: each endpoint once, then none`, () => {
    const balancer = createBalancer(balancePolicy(kind), 0);
    const list = candidatesOf(7);
    const at = request(1, { hash: 12345, stickyId: "session-number-one" });
    const tried = [list[balancer.pick(list, at)]!];
    for (let attempt = 1; attempt < list.length; attempt++) {
      const index = pickUntried(balancer, list, { ...at, tried });
      assert(index >= 0 && !tried.includes(list[index]!));
      tried.push(list[index]!);
    }
    assertEquals(pickUntried(balancer, list, { ...at, tried }), -1);
    assertEquals(pickUntried(balancer, [], { ...at, tried }), -1);
  });

  Deno.test(`another attempt, ${kind}: is spread over the others`, () => {
    const balancer = createBalancer(balancePolicy(kind), 0);
    const list = candidatesOf(4);
    const { random, nowMs } = request(2);
    const picks = Array.from({ length: 3_000 }, (_, call) =>
      pickUntried(balancer, list, {
        nowMs,
        random,
        hash: kind === "consistent_hash" ? call * 1_234_567 : -1,
        stickyId: "",
        tried: [list[1]!],
      }));
    const counts = tally(4, picks);
    assertEquals(counts[1], 0);
    for (const index of [0, 2, 3]) assert(Math.abs(counts[index]! - 1_000) < 200, `${counts}`);
  });
}

Deno.test("another attempt, a key has the same second choice in every sidecar", () => {
  const list = candidatesOf(10);
  for (let key = 0; key < 200; key++) {
    const at = { ...request(key, { hash: key * 1_000_003 }), tried: [] as typeof list };
    const choices = [1, 2].map(() => {
      const balancer = createBalancer(balancePolicy("consistent_hash"), 0);
      const first = list[balancer.pick(list, at)]!;
      return pickUntried(balancer, list, { ...at, tried: [first] });
    });
    assertEquals(choices[0], choices[1]);
  }
});

Deno.test("another attempt, leaves the binding of the session alone", () => {
  const balancer = createBalancer(balancePolicy("sticky"), 0);
  const list = candidatesOf(5);
  const at = request(1, { stickyId: "session-number-one" });
  const bound = balancer.pick(list, at);
  pickUntried(balancer, list, { ...at, tried: [list[bound]!] });
  assertEquals(balancer.pick(list, at), bound);
});
