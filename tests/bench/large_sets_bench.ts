/**
 * Large registries: what an update costs control, the border and a data thread, what a pick costs, and whether calls
 * notice that hundreds of services with thousands of instances change.
 *
 * `deno run -A --v8-flags=--expose-gc tests/bench/large_sets_bench.ts`. It reports, it does not judge.
 */
import { PortableNet } from "../../lib/data/net/portable/net.ts";
import { DataPlane } from "../../lib/data/plane.ts";
import { ClusterPosts } from "../../lib/plane/cluster_posts.ts";
import { counterBytes } from "../../lib/plane/counters.ts";
import { limitBytes } from "../../lib/plane/limits.ts";
import type { ClusterSnapshot } from "../../lib/plane/messages.ts";
import { defaultPolicy } from "../support/policy.ts";
import { ControlHalf } from "./large_sets/control.ts";
import { ms, row } from "./large_sets/figures.ts";
import { measureBurst, measurePauses } from "./large_sets/pauses.ts";
import { LargeRegistry } from "./large_sets/registry.ts";

/** A data plane on this thread, without listeners. */
function startPlane(net: PortableNet): DataPlane {
  return new DataPlane({
    net,
    start: {
      kind: "start",
      thread: 0,
      net: "portable",
      wakeFd: -1,
      sequence: new SharedArrayBuffer(4),
      counters: new SharedArrayBuffer(counterBytes),
      descriptors: new SharedArrayBuffer(0),
      limits: new SharedArrayBuffer(limitBytes),
      originMs: performance.timeOrigin,
      listeners: [],
      policy: defaultPolicy,
      clusters: [],
    },
    post: () => {},
    random: Math.random,
  });
}

/** One change after the other: in control, over the border, in a data thread. */
async function measureUpdates(services: number, size: number): Promise<void> {
  const registry = new LargeRegistry(services, size);
  let posted: ClusterSnapshot | undefined;
  const control = new ControlHalf(registry, (cluster) => posted = cluster);
  const net = new PortableNet();
  const plane = startPlane(net);
  const posts = new ClusterPosts([]);
  const { held } = posts.begin();
  for (const name of registry.services) {
    await control.cache.lookup(name);
    await control.feed.settled(name);
    posts.put(posted!);
    plane.receive(structuredClone(posts.next(held, name)!));
  }
  // Large sets come in over several turns.
  while (plane.context.directory.clusters.size < services) await net.turn();
  const times = {
    changed: [] as number[],
    unchanged: [] as number[],
    message: [] as number[],
    clone: [] as number[],
    apply: [] as number[],
    next: [] as number[],
  };
  const rounds = size > 1000 ? 300 : 1000;
  for (let round = 0; round < rounds; round++) {
    const name = registry.services[round % services]!;
    registry.exchange(name);
    posted = undefined;
    times.changed.push(await control.refresh(name));
    if (posted === undefined) throw new Error("the change was not posted");
    times.unchanged.push(await control.refresh(name));
    const messageFrom = performance.now();
    posts.put(posted as ClusterSnapshot);
    const message = posts.next(held, name)!;
    const cloneFrom = performance.now();
    const received = structuredClone(message);
    // A turn of its own, or the thread would put it off.
    net.tick();
    const applyFrom = performance.now();
    plane.receive(received);
    const nextFrom = performance.now();
    plane.context.directory.clusters.get(name)!.all.pick(plane.context.pickAny(), undefined);
    times.next.push(performance.now() - nextFrom);
    times.message.push(cloneFrom - messageFrom);
    times.clone.push(applyFrom - cloneFrom);
    times.apply.push(nextFrom - applyFrom);
  }
  const title = `${services} x ${size}`;
  // What comes first runs before the engine has compiled it.
  const warm = (values: readonly number[]) => ms(values.slice(rounds / 10));
  row(`${title}: one change in control, from the answer to the post`, warm(times.changed));
  row(`${title}: an answer without change`, warm(times.unchanged));
  row(`${title}: finding out what to send`, warm(times.message));
  row(`${title}: the border, copying out and in`, warm(times.clone));
  row(`${title}: applied in a data thread`, warm(times.apply));
  row(`${title}: the first pick after it`, warm(times.next));
  const { all } = plane.context.directory.clusters.get(registry.services[0]!)!;
  const picks = 2_000_000;
  let from = performance.now();
  for (let pick = 0; pick < picks; pick++) {
    if (pick === picks / 2) from = performance.now();
    all.pick(plane.context.pickAny(), undefined);
  }
  const pickNs = (performance.now() - from) * 1e6 / (picks / 2);
  row(`${title}: a pick`, `${pickNs.toFixed(0)} ns`);
  plane.stop();
  net.stop();
  await control.cache.stop();
}

if (import.meta.main) {
  const all = Deno.args.length === 0;
  const only = (name: string) => all || Deno.args.includes(name);
  console.log("| what | figure |\n|---|---|");
  if (only("many")) await measureUpdates(1000, 10);
  if (only("large")) await measureUpdates(1, 5000);
  if (only("burst")) await measureBurst({ services: 300, size: 3000 });
  if (only("pauses")) {
    await measurePauses({ services: 300, size: 3000, used: 10, rate: 30 });
    await measurePauses({ services: 300, size: 3000, used: 300, rate: 30 });
  }
}
