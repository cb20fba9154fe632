/** Stickiness: who stays, who moves, and who agrees on where. */
import { assert, assertEquals } from "@test/assert";
import { type Candidate, notYet } from "../../../../lib/data/balance/candidate.ts";
import { Sticky } from "../../../../lib/data/balance/sticky.ts";
import { WarmUp } from "../../../../lib/data/balance/warm_up.ts";
import { candidate, candidatesOf, request, tally } from "../../../support/candidates.ts";

const ids = Array.from({ length: 2_000 }, (_, index) => `session-number-${index}`);
const make = () => new Sticky(new WarmUp(30_000), { idleMs: 30_000, failures: 3, spread: 0 });

function places(balancer: Sticky, list: readonly Candidate[]): string[] {
  return ids.map((stickyId) => list[balancer.pick(list, request(1, { stickyId }))]!.key);
}

Deno.test("stickiness, a session stays where it is while others come", () => {
  const balancer = make();
  const list = candidatesOf(4);
  const before = places(balancer, list);
  assertEquals(places(balancer, [candidate(900), ...list, candidate(901)]), before);
});

Deno.test("stickiness, only the sessions of an endpoint that is gone move, and they spread", () => {
  const balancer = make();
  const list = candidatesOf(5);
  const before = places(balancer, list);
  const rest = list.slice(1);
  const after = places(balancer, rest);
  const heirs = after.filter((key, index) => {
    if (before[index] !== list[0]!.key) assertEquals(key, before[index]);
    return before[index] === list[0]!.key;
  });
  for (const one of rest) assert(heirs.filter((key) => key === one.key).length > 50);
});

Deno.test("stickiness, another thread or sidecar sends a session to the same endpoint", () => {
  const list = candidatesOf(7);
  assertEquals(places(make(), list), places(make(), [...list].reverse()));
});

Deno.test("stickiness, requests without a session take turns", () => {
  const balancer = make();
  const list = candidatesOf(3);
  const at = request(1);
  assertEquals(Array.from({ length: 6 }, () => balancer.pick(list, at)), [0, 1, 2, 0, 1, 2]);
  assertEquals(balancer.sessions.size, 0);
});

Deno.test("stickiness, failures in a row move a session elsewhere, and there it stays", () => {
  const balancer = make();
  const list = candidatesOf(3);
  for (const stickyId of ids.slice(0, 200)) {
    const at = request(1, { stickyId });
    const first = list[balancer.pick(list, at)]!;
    for (let call = 0; call < 3; call++) {
      assertEquals(list[balancer.pick(list, at)], first);
      balancer.sessions.settle(stickyId, first.key, { failed: true });
    }
    const second = list[balancer.pick(list, at)]!;
    assert(second !== first);
    assertEquals(list[balancer.pick(list, at)], second);
  }
});

Deno.test("stickiness, the only endpoint keeps its sessions even though it fails", () => {
  const balancer = make();
  const list = candidatesOf(1);
  const at = request(1, { stickyId: ids[0]! });
  for (let call = 0; call < 10; call++) {
    assertEquals(balancer.pick(list, at), 0);
    balancer.sessions.settle(ids[0]!, list[0]!.key, { failed: true });
  }
});

Deno.test("stickiness, an endpoint that is out for a moment loses its sessions for good", () => {
  const balancer = make();
  const list = candidatesOf(4);
  const before = places(balancer, list);
  const during = places(balancer, list.slice(1));
  assertEquals(places(balancer, [...list]), during);
  assert(before.some((key, index) => key !== during[index]));
});

Deno.test("stickiness, a binding to an endpoint outside a narrower list is found in the whole one", () => {
  const balancer = make();
  const all = candidatesOf(6);
  const zone = all.slice(0, 3);
  const stickyId = ids.find((id) => balancer.pick(all, request(1, { stickyId: id })) >= 3)!;
  const at = request(1, { stickyId });
  const place = balancer.bound(all, at);
  assert(place >= 3);
  assertEquals(balancer.bound(zone, at), -1);
  assertEquals(balancer.bound(all, request(1)), -1);
});

Deno.test("stickiness, new sessions come to a newcomer by its share", () => {
  const balancer = make();
  const list = [...candidatesOf(3), candidate(4, { warmFromMs: notYet })];
  const counts = tally(
    4,
    ids.map((stickyId) => balancer.pick(list, request(1, { stickyId }))),
  );
  assert(counts[3]! > 20 && counts[3]! < 90, `${counts}`);
});

Deno.test("stickiness, a look does not bind", () => {
  const balancer = make();
  const list = candidatesOf(4);
  for (const stickyId of ids) {
    const at = request(1, { stickyId });
    assertEquals(balancer.peek(list, at), balancer.peek(list, at));
  }
  assertEquals(balancer.sessions.size, 0);
});
