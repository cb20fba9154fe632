/** Large sets come in between turns: what is seen meanwhile, and in which order everything else is handled. */
import { assert, assertEquals } from "@test/assert";
import type { ClusterSnapshot } from "../../../../lib/plane/messages.ts";
import { changed, defaultPolicy } from "../../../support/policy.ts";
import { PlanePair } from "../../../support/plane_pair.ts";

/** Shape: a set of 2000 is read in four pieces or more, where it is read. */
function cluster(service: string, count: number, first = 1): ClusterSnapshot {
  const endpoints = Array.from({ length: count }, (_, index) => ({
    host: "10.0.0.1",
    port: first + index,
    instanceId: `i${first + index}`.padStart(32, "0"),
    version: "1.0.0",
    mesher: false,
    tags: { padding: "x".repeat(100) },
  }));
  return { service, block: 10 + service.length, endpoints, unusable: [] };
}

const revision = (revision: number) =>
  ({ kind: "policy", policy: { ...defaultPolicy, revision } }) as const;

function sizeOf(pair: PlanePair, service: string): number | undefined {
  return pair.sent.plane.context.directory.clusters.get(service)?.all.size;
}

function acknowledged({ sent: { posted } }: PlanePair): readonly number[] {
  return posted.flatMap((each) => each.kind === "acknowledged" ? [each.revision] : []);
}

/** Endpoints are told apart by key, so all of them are read as they come. */
const byKey = changed(defaultPolicy, { calls: { balance: { kind: "consistent_hash" } } });

for (
  const [what, policy, turns] of [
    ["that nobody has had anything of", defaultPolicy, 0],
    ["that is read as it comes", byKey, 3],
  ] as const
) {
  Deno.test(`arrivals, a large set ${what} is seen whole or not at all`, async () => {
    const pair = new PlanePair();
    pair.post({ kind: "policy", policy });
    pair.post({ kind: "cluster", cluster: cluster("Cart", 2000) });
    await pair.turn(turns);
    assertEquals(sizeOf(pair, "Cart"), undefined);
    await pair.settle();
    assertEquals(sizeOf(pair, "Cart"), 2000);
    // Until another one is complete the last one is in use.
    pair.post({ kind: "cluster", cluster: cluster("Cart", 2000, 5000) });
    await pair.turn(turns);
    const { all } = pair.sent.plane.context.directory.clusters.get("Cart")!;
    assertEquals([all.size, all.read(0).snapshot.port], [2000, 1]);
    await pair.settle();
    assertEquals([all.size, all.read(0).snapshot.port], [2000, 5000]);
  });
}

Deno.test("arrivals, small changes that come together are taken in over some turns, the first at once", async () => {
  const pair = new PlanePair();
  const names = ["Cart", "Bills", "Shopping"];
  const first = new Map(names.map((name) => [name, cluster(name, 100)]));
  for (const each of first.values()) pair.post({ kind: "cluster", cluster: each });
  await pair.settle();
  const grow = (name: string) => {
    const { endpoints, ...rest } = first.get(name)!;
    const come = cluster(name, 1, 7000).endpoints;
    pair.post({ kind: "cluster", cluster: { ...rest, endpoints: [...endpoints, ...come] } });
  };
  const sizes = () => names.map((name) => sizeOf(pair, name));
  names.forEach(grow);
  assertEquals(sizes(), [101, 100, 100]);
  await pair.turn();
  assertEquals(sizes(), [101, 101, 100]);
  await pair.settle();
  assertEquals(sizes(), [101, 101, 101]);
});

Deno.test("arrivals, a small set does not wait for a large one of another service", async () => {
  const pair = new PlanePair();
  pair.post({ kind: "cluster", cluster: cluster("Cart", 2000) });
  pair.post({ kind: "cluster", cluster: cluster("Bill", 3) });
  assertEquals([sizeOf(pair, "Cart"), sizeOf(pair, "Bill")], [undefined, 3]);
  await pair.settle();
});

Deno.test("arrivals, what concerns a service waits for its set, in order", async () => {
  const pair = new PlanePair();
  pair.post({ kind: "cluster", cluster: cluster("Cart", 2000) });
  pair.post({
    kind: "verdict",
    service: "Cart",
    host: "10.0.0.1",
    port: 7,
    healthy: false,
  });
  pair.post({ kind: "cluster", cluster: cluster("Cart", 2001) });
  await pair.settle();
  const seventh = pair.sent.plane.context.directory.clusters.get("Cart")!.all.members[6]!;
  assertEquals([sizeOf(pair, "Cart"), seventh.unreachableReason], [2001, "connect_refused"]);
  pair.post({ kind: "cluster", cluster: cluster("Cart", 2000, 5000) });
  pair.post({ kind: "cluster_gone", service: "Cart" });
  await pair.settle();
  assertEquals(sizeOf(pair, "Cart"), undefined);
});

Deno.test("arrivals, a policy comes after the sets that were sent before it", async () => {
  const pair = new PlanePair();
  pair.post(revision(2));
  assertEquals(acknowledged(pair), [2]);
  pair.post({ kind: "cluster", cluster: cluster("Cart", 2000) });
  pair.post(revision(3));
  assertEquals([acknowledged(pair), sizeOf(pair, "Cart")], [[2], undefined]);
  await pair.settle();
  assertEquals(sizeOf(pair, "Cart"), 2000);
  assertEquals(pair.sent.plane.context.policy.revision, 3);
});

Deno.test("arrivals, a set that somebody waits for comes before the others", async () => {
  const pair = new PlanePair();
  for (const service of ["Cart", "Bills", "Shopping"]) {
    pair.post({ kind: "cluster", cluster: cluster(service, 2000) });
  }
  const resolution = { kind: "service", service: "Shopping" } as const;
  pair.post({ kind: "resolved", name: "shopping", resolution, validMs: Infinity });
  while (sizeOf(pair, "Shopping") === undefined) await pair.turn();
  assertEquals([sizeOf(pair, "Cart"), sizeOf(pair, "Bills")], [undefined, undefined]);
  await pair.settle();
  assertEquals([sizeOf(pair, "Cart"), sizeOf(pair, "Bills")], [2000, 2000]);
});

for (const size of [3, 100, 2000]) {
  Deno.test(`arrivals, a change of a set that is not there brings the whole set of ${size}`, async () => {
    const pair = new PlanePair();
    pair.post({ kind: "cluster", cluster: cluster("Cart", size) });
    await pair.settle();
    pair.lose(cluster("Cart", size, 2));
    pair.post({ kind: "cluster", cluster: cluster("Cart", size, 3) });
    await pair.settle();
    const ports = (half: PlanePair["sent"]) =>
      half.plane.context.directory.clusters.get("Cart")!.all.members.map((each) =>
        each.snapshot.port
      );
    assertEquals(ports(pair.sent), ports(pair.whole));
  });
}

Deno.test("arrivals, a set that is repeated answers those who asked for a newer one", async () => {
  const pair = new PlanePair();
  const one = cluster("Cart", 2000);
  pair.post({ kind: "cluster", cluster: one });
  await pair.settle();
  const { directory } = pair.sent.plane.context;
  let answered: boolean | undefined;
  directory.refresh("Cart").then((result) => answered = result);
  const before = directory.clusters.get("Cart")!.endpoints;
  pair.post({ kind: "cluster", cluster: one });
  for (let hop = 0; hop < 4; hop++) await null;
  assertEquals(answered, true);
  const after = directory.clusters.get("Cart")!.endpoints;
  assert(before.every((each, index) => each === after[index]));
});

Deno.test("arrivals, what is still on its way when the plane stops is dropped", async () => {
  const pair = new PlanePair();
  pair.post({ kind: "cluster", cluster: cluster("Cart", 2000) });
  pair.sent.plane.stop();
  await pair.settle();
  assertEquals(sizeOf(pair, "Cart"), undefined);
});
