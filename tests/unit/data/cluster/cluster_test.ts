/** Clusters: who is picked, and what outlives a new snapshot. */
import { assert, assertEquals } from "@test/assert";
import { Cluster } from "../../../../lib/data/cluster/cluster.ts";
import type { EndpointState } from "../../../../lib/data/cluster/endpoint.ts";
import type { PoolGauge } from "../../../../lib/data/net/pool.ts";
import type { ClusterSnapshot } from "../../../../lib/plane/messages.ts";
import { blockBase, counterBytes } from "../../../../lib/plane/counters.ts";
import { FakeSocket } from "../../../support/fake_socket.ts";
import {
  changedService,
  defaultServicePolicy,
  type ServiceChanges,
} from "../../../support/policy.ts";
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

const base = blockBase(3);

function cluster(
  ports: readonly number[],
  { spread = 0, calls = {}, inOrder = false }: {
    spread?: number;
    calls?: ServiceChanges;
    inOrder?: boolean;
  } = {},
) {
  const gauge: PoolGauge = { idle: 0 };
  const counters = new Float64Array(counterBytes / 8);
  const time = { nowMs: 0 };
  const one = new Cluster<Connection>(snapshot(ports), {
    gauge,
    policy: changedService(defaultServicePolicy, calls),
    place: {},
    random: () => spread,
    clock: { now: () => time.nowMs, sleep: () => new Promise<void>(() => {}) },
    counters,
    base,
    inOrder,
  });
  return { gauge, counters, time, cluster: one };
}

function port(endpoint: EndpointState<Connection> | undefined): number | undefined {
  return endpoint?.snapshot.port;
}

function pick(
  one: Cluster<Connection>,
  nowMs = 0,
  tried?: readonly EndpointState<Connection>[],
): EndpointState<Connection> | undefined {
  return one.all.pick({ nowMs, random: Math.random, hash: -1, stickyId: "" }, tried);
}

function eject(one: Cluster<Connection>, endpoint: EndpointState<Connection>, untilMs: number) {
  one.passOver(endpoint, { untilMs, reason: "connect_refused", nowMs: 0 });
}

function picks(one: Cluster<Connection>, count: number, nowMs = 0): (number | undefined)[] {
  return Array.from({ length: count }, () => port(pick(one, nowMs)));
}

Deno.test("pick, goes round and begins where the spread says", () => {
  const begins = (spread: number) => picks(cluster([1, 2, 3], { spread }).cluster, 1)[0];
  assertEquals(new Set([begins(0), begins(0.5), begins(0.999)]).size, 3);
  for (const spread of [0, 0.5, 0.999]) {
    const seven = picks(cluster([1, 2, 3], { spread }).cluster, 7);
    assertEquals(new Set(seven.slice(0, 3)).size, 3);
    assertEquals(seven.slice(3), seven.slice(0, 4));
  }
  assertEquals(picks(cluster([1], { spread: 0.999 }).cluster, 2), [1, 1]);
  assertEquals(picks(cluster([], { spread: 0.5 }).cluster, 2), [undefined, undefined]);
});

Deno.test("pick, the addresses of one host are taken in their order", () => {
  const { cluster: one } = cluster([1, 2, 3], { inOrder: true });
  assertEquals(picks(one, 3), [1, 1, 1]);
  assertEquals(port(pick(one, 0, [one.endpoints[0]!])), 2);
  eject(one, one.endpoints[0]!, 1000);
  assertEquals(picks(one, 2, 10), [2, 2]);
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
      const { cluster: one } = cluster([1, 2, 3], { spread });
      const tried: EndpointState<Connection>[] = [];
      one.endpoints.forEach((endpoint, index) => {
        const mark = marks[index]!;
        if ("ebx".includes(mark)) eject(one, endpoint, 1000);
        if ("db".includes(mark)) one.drains(endpoint, 0);
        if ("tx".includes(mark)) tried.push(endpoint);
      });
      const seen = new Set<number | undefined>();
      for (let round = 0; round < 40; round++) {
        seen.add(port(pick(one, 10, tried.length === 0 ? undefined : tried)));
      }
      const expected = among.length === 0 ? [undefined] : [...among];
      assertEquals([...seen].sort(), expected);
    }
  });
}

Deno.test("pick, an ejected endpoint is back when its time is over", () => {
  const { cluster: one } = cluster([1, 2]);
  eject(one, one.endpoints[0]!, 1000);
  assertEquals(picks(one, 2, 999), [2, 2]);
  assertEquals(picks(one, 2, 1000).sort(), [1, 2]);
});

Deno.test("pick, ejecting one endpoint does not double the load of its neighbour", () => {
  const { cluster: one } = cluster([1, 2, 3, 4]);
  eject(one, one.endpoints[1]!, 1e9);
  const counts = new Map<number | undefined, number>();
  for (const each of picks(one, 300, 5)) counts.set(each, (counts.get(each) ?? 0) + 1);
  assertEquals([...counts].sort(), [[1, 100], [3, 100], [4, 100]]);
});

Deno.test("pick, random states: every one of the best, never a worse one, never one tried", () => {
  const random = seeded(21);
  for (let round = 0; round < 300; round++) {
    const count = 1 + random.below(9);
    const { cluster: one } = cluster(Array.from({ length: count }, (_, i) => i + 1), {
      spread: random(),
    });
    const tried: EndpointState<Connection>[] = [];
    for (const endpoint of one.endpoints) {
      if (random.below(3) === 0) eject(one, endpoint, 1000);
      if (random.below(4) === 0) one.drains(endpoint, 0);
      if (random.below(5) === 0) tried.push(endpoint);
    }
    const rank = (endpoint: EndpointState<Connection>) =>
      endpoint.drainingUntilMs > 10 ? 2 : endpoint.unreachableUntilMs > 10 ? 1 : 0;
    const open = one.endpoints.filter((endpoint) => !tried.includes(endpoint));
    const best = Math.min(...open.map(rank));
    // Draining ones are a last resort of which any will do.
    const among = open.filter((endpoint) => rank(endpoint) === best);
    const seen = new Set<EndpointState<Connection>>();
    for (let draw = 0; draw < among.length * 30; draw++) {
      const picked = pick(one, 10, tried.length === 0 ? undefined : tried)!;
      assert.ok(among.includes(picked), `round ${round}: ${picked.key} of rank ${rank(picked)}`);
      seen.add(picked);
    }
    assertEquals(seen.size, among.length, `round ${round}`);
    if (open.length === 0) assertEquals(pick(one, 10, tried), undefined);
  }
});

Deno.test("snapshot, endpoints of the same address keep state and connections in any order", () => {
  const { cluster: one, gauge } = cluster([1, 2, 3]);
  const [first, second, third] = one.endpoints;
  eject(one, first!, 1000);
  const idle = { socket: new FakeSocket() };
  second!.idle.put(idle, 1000);
  one.apply(snapshot([4, 2, 1]));
  assertEquals(one.endpoints.map((endpoint) => port(endpoint)), [4, 2, 1]);
  assert.ok(one.endpoints[1] === second && one.endpoints[2] === first);
  assertEquals([first!.unreachableUntilMs, idle.socket.closed, gauge.idle], [1000, false, 1]);
  assertEquals([third!.retired, first!.retired], [true, false]);
});

Deno.test("snapshot, a removed endpoint closes its idle connections and comes back as a new one", () => {
  const { cluster: one, gauge } = cluster([1, 2]);
  const before = one.endpoints[0]!;
  const idle = { socket: new FakeSocket() };
  before.idle.put(idle, 1000);
  one.apply(snapshot([2]));
  assertEquals([before.retired, idle.socket.closed, gauge.idle], [true, true, 0]);
  one.apply(snapshot([1, 2]));
  assert.ok(one.endpoints[0] !== before);
  assertEquals([one.endpoints[0]!.retired, one.endpoints[0]!.unreachableUntilMs], [false, 0]);
});

Deno.test("snapshot, another instance behind the same address starts with a clean slate", () => {
  const { cluster: one, gauge } = cluster([1]);
  const [endpoint] = one.endpoints;
  eject(one, endpoint!, 1000);
  endpoint!.latencyMs = 4;
  endpoint!.idle.put({ socket: new FakeSocket() }, 1000);
  one.apply(snapshot([1], "-new"));
  assert.ok(one.endpoints[0] === endpoint);
  assertEquals(
    [
      endpoint!.unreachableUntilMs,
      endpoint!.latencyMs,
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
    if (count === 0) assertEquals(pick(one), undefined);
    else assertEquals(new Set(picks(one, count)).size, count);
  }
});

Deno.test("endpoint, draining and ejecting give up its idle connections", () => {
  const { cluster: one, gauge } = cluster([1, 2]);
  const [first, second] = one.endpoints;
  for (const endpoint of [first!, second!]) endpoint.idle.put({ socket: new FakeSocket() }, 1000);
  one.drains(first!, 0);
  assertEquals([gauge.idle, first!.drainingUntilMs], [1, 30_000]);
  eject(one, second!, 5);
  assertEquals(gauge.idle, 0);
});

Deno.test("cluster, finds endpoints by address and closes as a whole", () => {
  const { cluster: one, gauge } = cluster([1, 2]);
  const endpoint = one.find({ host: "10.0.0.1", port: 2 })!;
  assertEquals([port(endpoint), one.find({ host: "10.0.0.1", port: 3 })], [2, undefined]);
  endpoint.idle.put({ socket: new FakeSocket() }, 1000);
  one.close();
  assertEquals([gauge.idle, one.endpoints.length, endpoint.retired], [0, 0, true]);
});
