/** Clusters: who is picked, and what outlives a new snapshot. */
import { assert, assertEquals } from "@test/assert";
import { Cluster } from "../../../../lib/data/cluster/cluster.ts";
import type { EndpointState } from "../../../../lib/data/cluster/endpoint.ts";
import type { PoolGauge } from "../../../../lib/data/net/pool.ts";
import type { ClusterSnapshot } from "../../../../lib/plane/messages.ts";
import { FakeSocket } from "../../../support/fake_socket.ts";
import { seeded } from "../../../support/seeded.ts";

interface Connection {
  readonly socket: FakeSocket;
}

function snapshot(ports: readonly number[], instance = ""): ClusterSnapshot {
  return {
    service: "shop",
    block: 3,
    endpoints: ports.map((port) => ({
      host: "10.0.0.1",
      port,
      instanceId: `i${port}${instance}`,
      version: "1.0.0",
      mesher: false,
    })),
    unusable: [],
  };
}

function cluster(ports: readonly number[], spread = 0) {
  const gauge: PoolGauge = { idle: 0 };
  const budget = { budgetRatio: 0.2, budgetPerSecond: 10 };
  return {
    gauge,
    cluster: new Cluster<Connection>(snapshot(ports), { gauge, budget, nowMs: 0, spread }),
  };
}

function port(endpoint: EndpointState<Connection> | undefined): number | undefined {
  return endpoint?.snapshot.port;
}

function picks(one: Cluster<Connection>, count: number, nowMs = 0): (number | undefined)[] {
  return Array.from({ length: count }, () => port(one.pick(nowMs, undefined)));
}

Deno.test("pick, goes round and begins where the spread says", () => {
  assertEquals(picks(cluster([1, 2, 3]).cluster, 7), [2, 3, 1, 2, 3, 1, 2]);
  assertEquals(picks(cluster([1, 2, 3], 0.5).cluster, 3), [3, 1, 2]);
  assertEquals(picks(cluster([1, 2, 3], 0.999).cluster, 3), [1, 2, 3]);
  assertEquals(picks(cluster([1], 0.999).cluster, 2), [1, 1]);
  assertEquals(picks(cluster([], 0.5).cluster, 2), [undefined, undefined]);
});

const states: readonly {
  readonly title: string;
  /** One mark per endpoint: - well, e ejected, d draining, b both, t tried, x tried and ejected. */
  readonly marks: string;
  /** Ports that may be picked. */
  readonly among: readonly number[];
}[] = [
  { title: "well ones before ejected ones", marks: "e-e", among: [2] },
  { title: "well ones before draining ones", marks: "dd-", among: [3] },
  { title: "well ones that were not tried", marks: "t-t", among: [2] },
  { title: "ejected ones when no well one is left", marks: "eed", among: [1, 2] },
  { title: "ejected ones when the well ones were tried", marks: "tet", among: [2] },
  { title: "ejected ones before draining ones", marks: "ted", among: [2] },
  { title: "draining ones at last", marks: "tdx", among: [2] },
  { title: "ejected and draining ones like draining ones", marks: "tbt", among: [2] },
  { title: "none when every one was tried", marks: "ttx", among: [] },
];

for (const { title, marks, among } of states) {
  Deno.test(`pick, takes ${title} (${marks})`, () => {
    for (const spread of [0, 0.4, 0.8]) {
      const { cluster: one } = cluster([1, 2, 3], spread);
      const tried: EndpointState<Connection>[] = [];
      one.endpoints.forEach((endpoint, index) => {
        const mark = marks[index]!;
        if ("ebx".includes(mark)) endpoint.eject(0, 1000);
        if ("db".includes(mark)) endpoint.drain(0);
        if ("tx".includes(mark)) tried.push(endpoint);
      });
      const seen = new Set<number | undefined>();
      for (let round = 0; round < 6; round++) {
        seen.add(port(one.pick(10, tried.length === 0 ? undefined : tried)));
      }
      const expected = among.length === 0 ? [undefined] : [...among];
      assertEquals([...seen].sort(), expected);
    }
  });
}

Deno.test("pick, an ejected endpoint is back when its time is over", () => {
  const { cluster: one } = cluster([1, 2]);
  one.endpoints[0]!.eject(0, 1000);
  assertEquals(picks(one, 2, 999), [2, 2]);
  assertEquals(picks(one, 2, 1000).sort(), [1, 2]);
});

Deno.test("pick, ejecting one endpoint does not double the load of its neighbour", () => {
  const { cluster: one } = cluster([1, 2, 3, 4]);
  one.endpoints[1]!.eject(0, 1e9);
  const counts = new Map<number | undefined, number>();
  for (const each of picks(one, 300, 5)) counts.set(each, (counts.get(each) ?? 0) + 1);
  assertEquals([...counts].sort(), [[1, 100], [3, 100], [4, 100]]);
});

Deno.test("pick, random states: fair among the best, never a worse one, never one tried", () => {
  const random = seeded(21);
  for (let round = 0; round < 300; round++) {
    const count = 1 + random.below(9);
    const { cluster: one } = cluster(Array.from({ length: count }, (_, i) => i + 1), random());
    const tried: EndpointState<Connection>[] = [];
    for (const endpoint of one.endpoints) {
      if (random.below(3) === 0) endpoint.eject(0, 1000);
      if (random.below(4) === 0) endpoint.drain(0);
      if (random.below(5) === 0) tried.push(endpoint);
    }
    const rank = (endpoint: EndpointState<Connection>) =>
      endpoint.drainingUntil > 10 ? 2 : endpoint.ejectedUntil > 10 ? 1 : 0;
    const open = one.endpoints.filter((endpoint) => !tried.includes(endpoint));
    const best = Math.min(...open.map(rank));
    const among = open.filter((endpoint) => rank(endpoint) === best);
    const counts = new Map(among.map((endpoint) => [endpoint, 0]));
    for (let pick = 0; pick < among.length * 7; pick++) {
      const picked = one.pick(10, tried.length === 0 ? undefined : tried)!;
      assert.ok(counts.has(picked), `round ${round}: ${picked.key} of rank ${rank(picked)}`);
      counts.set(picked, counts.get(picked)! + 1);
    }
    assertEquals([...counts.values()], among.map(() => 7), `round ${round}`);
    if (open.length === 0) assertEquals(one.pick(10, tried), undefined);
  }
});

Deno.test("snapshot, endpoints of the same address keep state and connections in any order", () => {
  const { cluster: one, gauge } = cluster([1, 2, 3]);
  const [first, second, third] = one.endpoints;
  first!.eject(0, 1000);
  const idle = { socket: new FakeSocket() };
  second!.idle.put(idle, 1000);
  one.apply(snapshot([4, 2, 1]));
  assertEquals(one.endpoints.map((endpoint) => port(endpoint)), [4, 2, 1]);
  assert.ok(one.endpoints[1] === second && one.endpoints[2] === first);
  assertEquals([first!.ejectedUntil, idle.socket.closed, gauge.idle], [1000, false, 1]);
  assertEquals([third!.retired, first!.retired], [true, false]);
});

Deno.test("snapshot, a removed endpoint closes its idle connections and comes back as a new one", () => {
  const { cluster: one, gauge } = cluster([1, 2]);
  const before = one.endpoints[0]!;
  const idle = { socket: new FakeSocket() };
  before.idle.put(idle, 1000);
  before.eject(0, 0);
  before.idle.put({ socket: new FakeSocket() }, 1000);
  one.apply(snapshot([2]));
  assertEquals([before.retired, idle.socket.closed, gauge.idle], [true, true, 0]);
  one.apply(snapshot([1, 2]));
  assert.ok(one.endpoints[0] !== before);
  assertEquals([one.endpoints[0]!.retired, one.endpoints[0]!.ejectedUntil], [false, 0]);
});

Deno.test("snapshot, another instance behind the same address starts with a clean slate", () => {
  const { cluster: one, gauge } = cluster([1]);
  const [endpoint] = one.endpoints;
  endpoint!.eject(0, 1000);
  endpoint!.consecutiveFailures = 4;
  endpoint!.idle.put({ socket: new FakeSocket() }, 1000);
  one.apply(snapshot([1], "-new"));
  assert.ok(one.endpoints[0] === endpoint);
  assertEquals(
    [
      endpoint!.ejectedUntil,
      endpoint!.consecutiveFailures,
      gauge.idle,
      endpoint!.snapshot.instanceId,
    ],
    [0, 0, 0, "i1-new"],
  );
});

Deno.test("snapshot, the round goes on whatever the size of the new set", () => {
  const random = seeded(2);
  const { cluster: one } = cluster([1, 2, 3]);
  for (let round = 0; round < 200; round++) {
    const count = random.below(8);
    one.apply(snapshot(Array.from({ length: count }, (_, index) => index + 1)));
    if (count === 0) assertEquals(one.pick(0, undefined), undefined);
    else assertEquals(new Set(picks(one, count)).size, count);
  }
});

Deno.test("endpoint, draining and ejecting give up its idle connections", () => {
  const { cluster: one, gauge } = cluster([1, 2]);
  const [first, second] = one.endpoints;
  for (const endpoint of [first!, second!]) endpoint.idle.put({ socket: new FakeSocket() }, 1000);
  first!.drain(0);
  assertEquals([gauge.idle, first!.drainingUntil], [1, 30_000]);
  second!.eject(0, 5);
  assertEquals(gauge.idle, 0);
});

Deno.test("cluster, finds endpoints by address and closes as a whole", () => {
  const { cluster: one, gauge } = cluster([1, 2]);
  const endpoint = one.find("10.0.0.1:2")!;
  assertEquals([port(endpoint), one.find("10.0.0.1:3")], [2, undefined]);
  endpoint.idle.put({ socket: new FakeSocket() }, 1000);
  one.close();
  assertEquals([gauge.idle, one.endpoints.length, endpoint.retired], [0, 0, true]);
});
