/** Groups of endpoints: weights, nearness, sessions and keys, and a look at the next pick that moves nothing. */
import { assert, assertEquals } from "@test/assert";
import { type BalancerKind, balancerKinds } from "../../../../lib/core/traffic.ts";
import { balancePolicy } from "../../../support/candidates.ts";
import {
  counted,
  type Endpoint,
  groupOf,
  type GroupSetUp,
} from "../../../support/endpoint_group.ts";

function balanced(kind: BalancerKind, more: GroupSetUp = {}, locality: "off" | "prefer" = "off") {
  return { balance: balancePolicy(kind, { slowStartMs: 0, locality }), ...more };
}

const near = { place: { zone: "a", region: "r" } };

Deno.test("group, weights count, and a changed weight counts from the next pick on", () => {
  const { group, endpoints, snapshot, ports } = groupOf(3, { weights: [1, 2, 1] });
  assertEquals(counted(ports(80)), { 1: 20, 2: 40, 3: 20 });
  assert(endpoints[0]!.update(snapshot(0, 5)));
  group.setMembers(endpoints, { reweighted: true });
  assertEquals(counted(ports(80)), { 1: 50, 2: 20, 3: 10 });
  assertEquals(endpoints[0]!.update(snapshot(0, 5)), false);
});

Deno.test("group, a changed weight counts in its zone too", () => {
  const { group, endpoints, snapshot, ports } = groupOf(
    4,
    balanced("round_robin", { zones: "aabb", ...near }, "prefer"),
  );
  assertEquals(counted(ports(40)), { 1: 20, 2: 20 });
  endpoints[0]!.update(snapshot(0, 3));
  group.setMembers(endpoints, { reweighted: true });
  assertEquals(counted(ports(40)), { 1: 30, 2: 10 });
});

Deno.test("group, the round goes on where it was when a look at the endpoints changes nothing", () => {
  const { group, ports } = groupOf(3);
  const seen: (number | undefined)[] = [];
  for (let index = 0; index < 6; index++) {
    group.invalidate();
    seen.push(...ports(1));
  }
  assertEquals(seen.slice(3), seen.slice(0, 3));
  assertEquals(new Set(seen).size, 3);
});

Deno.test("group, the own zone takes all while it can, and spills by and by when its endpoints fail", () => {
  const { endpoints, ports, fail } = groupOf(
    8,
    balanced("round_robin", { zones: "aaaabbbb", ...near }, "prefer"),
  );
  const nearShare = () => ports(1000).filter((port) => port! <= 4).length / 1000;
  const shares = [nearShare()];
  for (const endpoint of endpoints.slice(0, 3)) {
    fail(endpoint);
    shares.push(nearShare());
  }
  assertEquals(shares.slice(0, 2), [1, 1]);
  // 1.4 x 2 zones x the healthy weight that is near: 2 of 6, 1 of 5.
  assert(Math.abs(shares[2]! - 0.933) < 0.04, `${shares}`);
  assert(Math.abs(shares[3]! - 0.56) < 0.05, `${shares}`);
  assertEquals(Object.keys(counted(ports(400))).sort(), ["4", "5", "6", "7", "8"]);
});

Deno.test("group, without a place of its own, or where it is off, zones do not count", () => {
  const far = groupOf(4, balanced("round_robin", { zones: "aabb", place: {} }, "prefer"));
  assertEquals(counted(far.ports(40)), { 1: 10, 2: 10, 3: 10, 4: 10 });
  const off = groupOf(4, balanced("round_robin", { zones: "aabb", ...near }));
  assertEquals(counted(off.ports(40)), { 1: 10, 2: 10, 3: 10, 4: 10 });
  assertEquals(off.group.explain(0).tiers, []);
});

Deno.test("group, a key keeps its endpoint, and its tier, whatever chance says", () => {
  const { ports, endpoints, fail } = groupOf(
    8,
    balanced("consistent_hash", { zones: "aaaabbbb", ...near }, "prefer"),
  );
  for (const endpoint of endpoints.slice(0, 3)) fail(endpoint);
  const owners = Array.from({ length: 200 }, (_, key) => {
    const seen = new Set(ports(10, 0, { hash: key * 7919 }));
    assertEquals(seen.size, 1);
    return [...seen][0]!;
  });
  const inZone = owners.filter((port) => port <= 4).length / owners.length;
  assert(inZone > 0.4 && inZone < 0.7, `${inZone}`);
});

Deno.test("group, a session stays where it is bound when its zone would not be chosen any more", () => {
  const { endpoints, ports, fail, group, at } = groupOf(
    8,
    balanced("sticky", { zones: "aaaabbbb", ...near }, "prefer"),
  );
  const sessions = Array.from({ length: 60 }, (_, index) => `s${index}`);
  const bound = sessions.map((stickyId) => ports(1, 0, { stickyId })[0]!);
  assert(bound.every((port) => port <= 4));
  for (const endpoint of endpoints.slice(0, 3)) fail(endpoint);
  // Half of the load is for the other zone now; those that are bound to an endpoint that is well stay all the same.
  for (const [index, stickyId] of sessions.entries()) {
    const peeked = group.peek(at(0, { stickyId }))!.snapshot.port;
    const [now] = ports(1, 0, { stickyId });
    if (bound[index] === 4) assertEquals([now, peeked], [4, 4]);
    else assert(now! > 3);
  }
});

for (const kind of balancerKinds) {
  for (const locality of ["off", "prefer"] as const) {
    Deno.test(`group, a look at the next pick moves nothing: ${kind}, locality ${locality}`, () => {
      const make = () => groupOf(6, balanced(kind, { zones: "aaabbb", ...near }, locality));
      const looked = make();
      const other = make();
      const about = { stickyId: kind === "sticky" ? "s1" : "", hash: 4711 };
      for (let round = 0; round < 30; round++) {
        for (let look = 0; look < 3; look++) {
          // Chance belongs to the look here, so that the picks below draw alike.
          const request = { ...looked.at(0, about), random: () => (round + look) % 10 / 10 };
          assert(looked.group.peek(request) !== undefined);
        }
        assertEquals(looked.ports(1, 0, about), other.ports(1, 0, about), `round ${round}`);
      }
    });
  }
}

Deno.test("group, where chance has no part the look says what the pick does", () => {
  for (const kind of ["round_robin", "sticky", "consistent_hash"] as const) {
    const { group, at, ports } = groupOf(5, balanced(kind));
    for (let round = 0; round < 20; round++) {
      const about = { hash: round * 31, stickyId: kind === "sticky" ? `s${round}` : "" };
      assertEquals(group.peek(at(0, about))!.snapshot.port, ports(1, 0, about)[0], kind);
    }
  }
});

Deno.test("group, a look where nobody is well takes no turn of the last resort", () => {
  const { group, endpoints, at, ports } = groupOf(3);
  for (const endpoint of endpoints) endpoint.passOver(1000, "connect_refused");
  group.invalidate();
  const looked = () => group.peek(at(0))!.snapshot.port;
  const seen: number[] = [];
  for (let round = 0; round < 6; round++) {
    const next = looked();
    assertEquals([looked(), looked()], [next, next]);
    assertEquals(ports(1)[0], next);
    seen.push(next);
  }
  assertEquals(counted(seen), { 1: 2, 2: 2, 3: 2 });
});

Deno.test("group, the last resort is the one with the fewest attempts under way", () => {
  const { group, endpoints, at } = groupOf(3);
  for (const endpoint of endpoints) endpoint.passOver(1000, "connect_refused");
  group.invalidate();
  const open: Endpoint[] = [];
  for (let round = 0; round < 30; round++) {
    const picked = group.pick(at(0), undefined)!;
    picked.begin(0);
    open.push(picked);
  }
  assertEquals(endpoints.map((endpoint) => endpoint.open), [10, 10, 10]);
  for (const endpoint of open) endpoint.end();
});
