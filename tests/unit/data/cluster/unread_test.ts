/** Endpoints of large sets that nobody has had: they are chosen like others, and read when that happens. */
import { assert, assertEquals } from "@test/assert";
import { balancerKinds } from "../../../../lib/core/traffic.ts";
import type { EndpointState } from "../../../../lib/data/cluster/endpoint.ts";
import { endpointBase, endpointSlot, endpointStates } from "../../../../lib/plane/counters.ts";
import { type Connection, LargeCluster, records } from "../../../support/large_cluster.ts";
import { type Seeded, seeded } from "../../../support/seeded.ts";

type Endpoint = EndpointState<Connection>;

const at = (nowMs = 0) => ({ nowMs, random: () => 0.5, hash: -1, stickyId: "" });

function ports(one: LargeCluster, picks: number): number[] {
  return Array.from(
    { length: picks },
    () => one.cluster.all.pick(at(), undefined)!.snapshot.port,
  );
}

Deno.test("unread, a set comes without any being read, and a pick reads the one that is picked", () => {
  const one = new LargeCluster();
  one.set(records(3000));
  assertEquals([one.unread, one.steps], [3000, 1]);
  assertEquals([new Set(ports(one, 10)).size, one.unread], [10, 2990]);
  assertEquals([new Set(ports(one, 3000)).size, one.unread], [3000, 0]);
});

Deno.test("unread, one that was picked is the same from then on, in the next set too", () => {
  const one = new LargeCluster();
  const set = records(500);
  one.set(set);
  const first = one.cluster.all.pick(at(), undefined)!;
  assert(one.cluster.find(first.snapshot) === first);
  one.set([...records(200, { first: 1000 }), ...set]);
  assert(one.cluster.find(first.snapshot) === first);
  assertEquals(one.unread, 699);
  one.set(records(200, { first: 1000 }));
  assertEquals([first.retired, one.unread], [true, 200]);
});

Deno.test("unread, weights count", () => {
  const one = new LargeCluster();
  one.set(records(100, { more: (port) => ({ weight: port <= 50 ? 1 : 3 }) }));
  assertEquals(ports(one, 200).filter((port) => port <= 50).length, 50);
});

Deno.test("unread, zones count", () => {
  const balance = { locality: "prefer" } as const;
  const one = new LargeCluster({ calls: { balance }, place: { zone: "a", region: "r" } });
  one.set(records(100, { more: (port) => ({ region: "r", zone: port <= 50 ? "a" : "b" }) }));
  assert(ports(one, 100).every((port) => port <= 50));
  assertEquals(one.unread, 50);
});

Deno.test("unread, a verdict finds its endpoint, whose address another may resemble", () => {
  const one = new LargeCluster();
  one.set(records(3000));
  assertEquals(one.cluster.find({ host: "10.0.0.1", port: 4000 }), undefined);
  assertEquals(one.unread, 3000);
  const found = one.cluster.find({ host: "10.0.0.1", port: 77 })!;
  assertEquals([found.snapshot.instanceId, one.unread], ["i77", 2999]);
  one.cluster.passOver(found, { untilMs: 1000, reason: "connect_refused", nowMs: 0 });
  assert(!ports(one, 2999).includes(77));
});

for (const kind of ["consistent_hash", "sticky"] as const) {
  Deno.test(`unread, none are where a balancer goes by key (${kind}), some at a time`, () => {
    const one = new LargeCluster({ calls: { balance: { kind } } });
    one.set(records(3000));
    assertEquals(one.unread, 0);
    assert(one.steps > 2);
  });
}

Deno.test("unread, a balancer that goes by key from now on is given endpoints that are read", () => {
  const one = new LargeCluster();
  one.set(records(100));
  const { policy } = one.cluster;
  one.cluster.setPolicy({ ...policy, balance: { ...policy.balance, kind: "consistent_hash" } });
  assertEquals(one.unread, 100);
  const owner = (hash: number) => one.cluster.all.pick({ ...at(), hash }, undefined)!.snapshot.port;
  const owners = Array.from({ length: 50 }, (_, key) => owner(key * 0x5000_000));
  assertEquals(one.unread, 0);
  assert(new Set(owners).size > 20);
  assertEquals(owners, Array.from({ length: 50 }, (_, key) => owner(key * 0x5000_000)));
});

Deno.test("unread, a subset reads all, and the next set then comes some at a time", () => {
  const one = new LargeCluster();
  const tags = (port: number) => ({ tags: { color: port % 2 === 0 ? "red" : "blue" } });
  one.set(records(1000, { more: tags }));
  assertEquals(one.cluster.subset("red", { color: "red" }).size, 500);
  one.set(records(3000, { first: 5000, more: tags }));
  assertEquals([one.cluster.subset("red", { color: "red" }).size, one.unread], [1500, 0]);
  assert(one.steps > 2);
});

Deno.test("unread, of sets that are long gone nothing is kept", () => {
  const one = new LargeCluster();
  let set = records(300);
  one.set(set);
  for (let round = 1; round < 12; round++) {
    // A third is exchanged each time, always the oldest.
    set = [...set.slice(100), ...records(100, { first: round * 1000 })];
    one.set(set);
    assert(one.cluster.roster.packs.length <= 4);
  }
  assertEquals(one.cluster.endpoints.map(({ snapshot }) => snapshot.port), set.map((e) => e.port));
  one.set(records(100, { first: 50_000 }));
  assertEquals([one.cluster.roster.packs.length, one.unread], [1, 100]);
});

Deno.test("unread, one pack that something is left of does not become many", () => {
  const one = new LargeCluster();
  // One of each set stays, so each pack is needed.
  let stay = records(1);
  for (let round = 1; round < 10; round++) {
    const come = records(100, { first: round * 1000 });
    one.set([...stay, ...come]);
    stay = [...stay, come[0]!];
    assert(one.cluster.roster.packs.length <= 3);
  }
  assertEquals(one.cluster.endpoints.slice(0, 9).map(({ snapshot }) => snapshot.port), [
    1,
    1000,
    2000,
    3000,
    4000,
    5000,
    6000,
    7000,
    8000,
  ]);
});

Deno.test("unread, a slot is clear for who comes, and says that a newcomer warms up", () => {
  const one = new LargeCluster({ calls: { balance: { slowStartMs: 1000 } } });
  const slotted = (first: number) =>
    records(100, { first, more: (port) => ({ slot: port % 100 }) });
  const counter = (slot: number, field: number) => one.counters[endpointBase(slot) + field];
  one.counters.fill(7, endpointBase(0), endpointBase(100));
  one.set(slotted(1));
  one.cluster.publish(0);
  assertEquals([counter(5, endpointSlot.attempts), counter(5, endpointSlot.state)], [0, 0]);
  one.cluster.begin(one.cluster.find({ host: "10.0.0.1", port: 5 })!, 0);
  assertEquals(counter(5, endpointSlot.attempts), 1);
  one.set(slotted(1001));
  one.cluster.publish(0);
  const warming = endpointStates.indexOf("warming");
  assertEquals([counter(5, endpointSlot.attempts), counter(5, endpointSlot.state)], [0, warming]);
  assertEquals(one.unread, 100);
  // It is one of them who is read now.
  const read = one.cluster.find({ host: "10.0.0.1", port: 1005 })!;
  assertEquals([read.state(0, 1000), counter(5, endpointSlot.state)], ["warming", warming]);
  one.counters[endpointBase(6) + endpointSlot.state] = 0;
  one.cluster.publish(0);
  assertEquals(counter(6, endpointSlot.state), warming);
});

Deno.test("unread, the round goes on when only the records are others", () => {
  const one = new LargeCluster();
  one.set(records(100));
  const first = ports(one, 10);
  one.set(records(100, { more: () => ({ version: "2.0.0" }) }));
  assertEquals(one.unread, 90);
  assertEquals(new Set([...first, ...ports(one, 90)]).size, 100);
  assert(one.cluster.endpoints.every(({ snapshot }) => snapshot.version === "2.0.0"));
});

Deno.test("unread, a changed weight counts from the next pick on", () => {
  const one = new LargeCluster();
  one.set(records(100));
  ports(one, 5);
  one.set(records(100, { more: (port) => ({ weight: port <= 50 ? 1 : 3 }) }));
  assertEquals(one.unread, 95);
  assertEquals(ports(one, 200).filter((port) => port <= 50).length, 50);
});

Deno.test("unread, another instance behind an address is a newcomer, another record is none", () => {
  const one = new LargeCluster({ calls: { balance: { slowStartMs: 1000 } } });
  one.set(records(100));
  const first = one.cluster.all.pick(at(), undefined)!;
  const other = (port: number) => port % 2 === 0 ? { instanceId: "other" } : { version: "2.0.0" };
  one.set(records(100, { more: other }));
  // Newcomers are turned down for as long as others are left.
  const unlucky = { ...at(), random: () => 0.99 };
  for (let pick = 0; pick < 50; pick++) {
    assertEquals(one.cluster.all.pick(unlucky, undefined)!.snapshot.port % 2, 1);
  }
  assertEquals(
    one.cluster.endpoints.map(({ warmFromMs }) => warmFromMs === Infinity),
    records(100).map(({ port }) => port % 2 === 0),
  );
  assert(one.cluster.endpoints.includes(first));
});

Deno.test("unread, a slot that another endpoint had is clear for one that was there before", () => {
  const one = new LargeCluster();
  one.set(records(100, { more: (port) => ({ slot: port }) }));
  one.counters.fill(7, endpointBase(0), endpointBase(500));
  one.set(
    records(100, { more: (port) => ({ version: "2", slot: port <= 50 ? port : port + 200 }) }),
  );
  const open = (slot: number) => one.counters[endpointBase(slot) + endpointSlot.open];
  assertEquals([open(50), open(51), open(250), open(251), open(301)], [7, 7, 7, 0, 7]);
});

/** What happens to both clusters; the answer is what it did. */
type Event = (one: LargeCluster) => unknown;

function pickOf(random: Seeded, tried: readonly number[]): Event {
  const draws = [random(), random(), random(), random(), random(), random()];
  const hash = random.below(3) === 0 ? random.below(0xffff_ffff) : -1;
  const stickyId = random.below(3) === 0 ? `s${random.below(20)}` : "";
  return ({ cluster }) => {
    let draw = 0;
    const request = { nowMs: 0, random: () => draws[draw++ % 6]!, hash, stickyId };
    const before = tried.map((port) => cluster.find({ host: "10.0.0.1", port }))
      .filter((each): each is Endpoint => each !== undefined);
    const picked = cluster.all.pick(request, before.length === 0 ? undefined : before);
    if (picked !== undefined) cluster.begin(picked, 0);
    return [picked?.snapshot, cluster.all.usableCount(0, before)];
  };
}

function mishap(random: Seeded, port: number): Event {
  const kind = random.below(3);
  return ({ cluster }) => {
    const endpoint = cluster.find({ host: "10.0.0.1", port });
    if (endpoint === undefined) return;
    if (kind === 0) cluster.drains(endpoint, 0);
    else if (kind === 1) {
      cluster.passOver(endpoint, { untilMs: 1000, reason: "connect_refused", nowMs: 0 });
    } else cluster.verdict(endpoint, { healthy: true, ejectMs: 0, nowMs: 0 });
  };
}

/** Shape: weights, zones and instances of an address may be others each time. */
function someSet(random: Seeded, before: readonly { readonly port: number }[]) {
  const weights = random.below(2) === 0 ? [1] : [1, 2, 5];
  const more = () => ({
    instanceId: `i${random.below(3)}`,
    weight: random.of(weights),
    zone: random.of(["a", "b"]),
    region: random.of(["r", "r", "r", "q"]),
  });
  const shared = random.below(2) === 0 ? before.slice(random.below(50)) : [];
  const renewed = random.below(2) === 0;
  return [
    ...shared.map((each) => renewed ? { ...records(1)[0]!, ...more(), port: each.port } : each),
    ...records(70 + random.below(100), { first: random.below(20) * 1000 + 500, more }),
  ].filter((each, index, all) =>
    all.findIndex(({ port }) => port === each.port) === index
  ) as ReturnType<typeof records>;
}

for (const kind of balancerKinds) {
  for (const locality of ["off", "prefer"] as const) {
    Deno.test(`unread, they make no difference to who is picked: ${kind}, locality ${locality}`, () => {
      for (let seed = 1; seed <= 6; seed++) {
        const random = seeded(seed);
        const options = {
          calls: { balance: { kind, locality, slowStartMs: random.below(2) * 1000 } },
          place: { zone: "a", region: "r" },
        };
        const clusters = [new LargeCluster(options), new LargeCluster({ ...options, read: true })];
        let set: ReturnType<typeof records> = [];
        for (let step = 0; step < 300; step++) {
          let event: Event;
          const some = () => set.length === 0 ? 1 : random.of(set).port;
          if (step % 60 === 0) {
            set = someSet(random, set);
            event = (one) => one.set(set);
          } else if (random.below(10) === 0) event = mishap(random, some());
          else event = pickOf(random, random.below(3) === 0 ? [some(), some()] : []);
          const [lazy, read] = clusters.map(event);
          assertEquals(lazy, read, `seed ${seed}, step ${step}`);
        }
        const [lazy, read] = clusters.map(({ cluster }) =>
          cluster.endpoints.map((each) => [each.snapshot, each.open, each.weight, each.warmFromMs])
        );
        assertEquals(lazy, read);
      }
    });
  }
}
