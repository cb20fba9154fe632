/** Round robin: turns by weight, where they begin, and newcomers. */
import { assert, assertEquals } from "@test/assert";
import { notYet } from "../../../../lib/data/balance/candidate.ts";
import { RoundRobin } from "../../../../lib/data/balance/round_robin.ts";
import { WarmUp } from "../../../../lib/data/balance/warm_up.ts";
import { candidate, candidatesOf, request, tally, weighted } from "../../../support/candidates.ts";
import { seeded } from "../../../support/seeded.ts";

const cold = new WarmUp(30_000);

Deno.test("round robin, equal weights: everyone once a round, in order", () => {
  const balancer = new RoundRobin(cold, 0.5);
  const list = candidatesOf(4);
  const at = request(1);
  assertEquals(Array.from({ length: 9 }, () => balancer.pick(list, at)), [
    2,
    3,
    0,
    1,
    2,
    3,
    0,
    1,
    2,
  ]);
});

Deno.test("round robin, weights 4 and 2 and 1 come without a heap", () => {
  const balancer = new RoundRobin(cold, 0);
  const list = weighted([4, 2, 1]);
  const at = request(1);
  const turns = Array.from({ length: 700 }, () => balancer.pick(list, at));
  assertEquals(tally(3, turns), [400, 200, 100]);
  assertEquals(turns.join("").includes("000"), false);
  assertEquals(turns.join("").includes("11"), false);
});

Deno.test("round robin, a thousand sidecars begin all over the list", () => {
  const random = seeded(2);
  const list = candidatesOf(50);
  const first = Array.from(
    { length: 1_000 },
    () => new RoundRobin(cold, random()).pick(list, request(1)),
  );
  const counts = tally(50, first);
  assert(Math.max(...counts) < 45 && Math.min(...counts) > 5, `${counts}`);
});

Deno.test("round robin, a list that was short for a while does not bring the sidecars together", () => {
  const random = seeded(3);
  const full = candidatesOf(50);
  const firstAfter = Array.from({ length: 1_000 }, () => {
    const balancer = new RoundRobin(cold, random());
    balancer.pick(full, request(1));
    balancer.pick(full.slice(0, 1), request(1));
    return balancer.pick([...full], request(1));
  });
  const counts = tally(50, firstAfter);
  assert(Math.max(...counts) < 45 && Math.min(...counts) > 5, `${counts}`);
});

Deno.test("round robin, a list that changes with every request still serves all alike", () => {
  const balancer = new RoundRobin(cold, 0.3);
  const list = candidatesOf(10);
  const at = request(1);
  const counts = tally(
    10,
    Array.from({ length: 10_000 }, () => balancer.pick([...list], at)),
  );
  assert(Math.min(...counts) > 950 && Math.max(...counts) < 1_050, `${counts}`);
});

Deno.test("round robin, two lists in use side by side keep each its own round", () => {
  const balancer = new RoundRobin(cold, 0);
  const near = candidatesOf(3);
  const far = candidatesOf(2);
  const at = request(1);
  const nearTurns: number[] = [];
  const farTurns: number[] = [];
  for (let turn = 0; turn < 6; turn++) {
    nearTurns.push(balancer.pick(near, at));
    farTurns.push(balancer.pick(far, at));
  }
  assertEquals(tally(3, nearTurns), [2, 2, 2]);
  assertEquals(tally(2, farTurns), [3, 3]);
});

Deno.test("round robin, a newcomer among nine gets a tenth of a turn before its first good answer", () => {
  const balancer = new RoundRobin(cold, 0);
  const list = [...candidatesOf(9), candidate(10, { warmFromMs: notYet })];
  const at = request(4);
  const counts = tally(10, Array.from({ length: 91_000 }, () => balancer.pick(list, at)));
  assert(Math.abs(counts[9]! - 1_000) < 150, `${counts}`);
});

Deno.test("round robin, all of them new are served alike", () => {
  const balancer = new RoundRobin(cold, 0);
  const list = candidatesOf(5, { warmFromMs: notYet });
  const at = request(5);
  const counts = tally(5, Array.from({ length: 5_000 }, () => balancer.pick(list, at)));
  assert(Math.min(...counts) > 800, `${counts}`);
});
