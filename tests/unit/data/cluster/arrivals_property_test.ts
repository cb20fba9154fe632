/** Sets that come as changes and in pieces make of a data plane what whole sets make of it, whatever happens between. */
import { assert, assertEquals } from "@test/assert";
import type { Cluster } from "../../../../lib/data/cluster/cluster.ts";
import type { EndpointState } from "../../../../lib/data/cluster/endpoint.ts";
import type { Upstream } from "../../../../lib/data/proxy/upstream.ts";
import type { ClusterSnapshot, EndpointSnapshot } from "../../../../lib/plane/messages.ts";
import { type PaperPlane, PlanePair } from "../../../support/plane_pair.ts";
import { type Seeded, seeded } from "../../../support/seeded.ts";

type State = EndpointState<Upstream>;

const services = ["Cart", "Bill", "Shop"];
const tags = { color: "red" };

/** What control believes of one service. */
class Registry {
  readonly sets = new Map<string, readonly EndpointSnapshot[]>();
  readonly #random: Seeded;
  #serial = 0;

  constructor(random: Seeded) {
    this.#random = random;
  }

  #record(port: number): EndpointSnapshot {
    const random = this.#random;
    const serial = (this.#serial++).toString(16).padStart(32, "0");
    return {
      host: "10.0.0.1",
      port,
      instanceId: random() < 0.9 ? `i${port}` : serial,
      version: random.of(["1.0.0", "1.1.0"]),
      mesher: random() < 0.5,
      slot: port,
      tags: { color: random.of(["red", "blue"]), padding: "x".repeat(60) },
      ...(random() < 0.3 ? { weight: random.of([1, 2]) } : {}),
    };
  }

  /** Another set: some leave, some come, some are other ones now, now and then everything is. */
  next(service: string): ClusterSnapshot {
    const random = this.#random;
    const before = this.sets.get(service) ?? [];
    // Ports are slots too, so each service has its own.
    const first = 1 + services.indexOf(service) * 5000;
    const size = random.of([0, 1, 3, 70, 300, 1000]);
    let after: EndpointSnapshot[];
    if (before.length === 0 || random() < 0.15) {
      after = Array.from({ length: size }, (_, index) => this.#record(first + index));
    } else {
      const [leave, change] = [random.of([0, 0.001, 0.2]), random.of([0, 0.001, 0.2])];
      after = before.filter(() => random() >= leave);
      after = after.map((each) => random() < change ? this.#record(each.port) : each);
      const ports = new Set(after.map((each) => each.port));
      for (let count = random.of([0, 1, 1, 400]); count > 0; count--) {
        const port = first + random.below(2500);
        if (ports.has(port)) continue;
        ports.add(port);
        after.splice(random.below(after.length + 1), 0, this.#record(port));
      }
      if (random() < 0.1) after.reverse();
      // From a host name that was looked up again come equal records that are other objects.
      if (random() < 0.1) after = structuredClone(after);
    }
    this.sets.set(service, after);
    return {
      service,
      block: 10 + services.indexOf(service),
      endpoints: after,
      unusable: [`${this.#serial} is DOWN`],
    };
  }
}

/** What a call may see of an endpoint. */
function seen(state: State): unknown {
  return {
    record: state.snapshot,
    weight: state.weight,
    open: state.open,
    meanMs: state.meanMs,
    warmFromMs: state.warmFromMs,
    unreachableUntilMs: state.unreachableUntilMs,
    drainingUntilMs: state.drainingUntilMs,
    health: state.health.state,
    retired: state.retired,
  };
}

function clusterOf({ plane }: PaperPlane, service: string): Cluster<Upstream> | undefined {
  return plane.context.directory.clusters.get(service);
}

/** Everything that both planes have ever had, so that those that left are compared as well. */
class Witness {
  #known: [State, State][] = [];
  #pairs = new Set<State>();

  /** What can be compared without reading the endpoints of large sets. */
  glance(pair: PlanePair, where: string): void {
    for (const service of services) {
      const [whole, sent] = [clusterOf(pair.whole, service), clusterOf(pair.sent, service)];
      assertEquals(sent?.all.size, whole?.all.size, `${service} ${where}`);
      if (whole === undefined || sent === undefined) continue;
      for (let pick = 0; pick < 5; pick++) {
        assertEquals(portOf(sent), portOf(whole), `a pick of ${service} ${where}`);
      }
    }
  }

  compare(pair: PlanePair, where: string): void {
    for (const service of services) {
      const [whole, sent] = [clusterOf(pair.whole, service), clusterOf(pair.sent, service)];
      assertEquals(sent?.endpoints.map(seen), whole?.endpoints.map(seen), `${service} ${where}`);
      if (whole === undefined || sent === undefined) continue;
      assertEquals([sent.unusable, sent.block], [whole.unusable, whole.block]);
      whole.endpoints.forEach((state, index) => {
        if (this.#pairs.has(state)) return;
        this.#pairs.add(state);
        this.#known.push([state, sent.endpoints[index]!]);
      });
      assertEquals(
        sent.subset("red", tags).members.map(({ snapshot }) => snapshot.port),
        whole.subset("red", tags).members.map(({ snapshot }) => snapshot.port),
      );
      for (let pick = 0; pick < 5; pick++) {
        assertEquals(portOf(sent), portOf(whole), `a pick of ${service} ${where}`);
      }
    }
    // An endpoint that stayed is the same object in both planes, or the two would have parted here.
    for (const [whole, sent] of this.#known) {
      if (whole.retired !== sent.retired || whole.open !== sent.open) {
        assertEquals(seen(sent), seen(whole), `${whole.key} ${where}`);
      }
    }
    pair.whole.plane.turned(1000);
    pair.sent.plane.turned(1000);
    assert(
      pair.sent.counters.every((value, slot) => value === pair.whole.counters[slot]),
      `the counters ${where}`,
    );
  }

  forget(): void {
    this.#known = [];
    this.#pairs.clear();
  }
}

function portOf(cluster: Cluster<Upstream>): number | undefined {
  const request = { nowMs: 1000, random: () => 0.3, hash: -1, stickyId: "" };
  return cluster.all.pick(request, undefined)?.snapshot.port;
}

/** Calls, failures and drains of some endpoints, the same in both planes. */
function live(pair: PlanePair, random: Seeded): void {
  const service = random.of(services);
  const clusters = [clusterOf(pair.whole, service), clusterOf(pair.sent, service)];
  const count = clusters[0]?.endpoints.length ?? 0;
  for (let event = 0; count > 0 && event < 10; event++) {
    const index = random.below(count);
    const kind = random.below(4);
    for (const cluster of clusters) {
      const endpoint = cluster!.endpoints[index]!;
      if (kind === 0) cluster!.begin(endpoint, 1000);
      else if (kind === 1) {
        const ticket = cluster!.begin(endpoint, 1000);
        const answer = { ticket, status: 200, elapsedMs: event + 1, retryAfterMs: 0, nowMs: 1000 };
        cluster!.answered(endpoint, answer);
      } else if (kind === 2) {
        cluster!.passOver(endpoint, { untilMs: 2000, reason: "connect_refused", nowMs: 1000 });
      } else cluster!.drains(endpoint, 1000);
    }
  }
}

for (let seed = 1; seed <= 5; seed++) {
  Deno.test(`arrivals, changes in pieces make what whole sets make, random story ${seed}`, async () => {
    const random = seeded(seed);
    const registry = new Registry(random);
    const pair = new PlanePair();
    const witness = new Witness();
    for (let step = 0; step < 30; step++) {
      const service = random.of(services);
      const what = random.below(20);
      if (what === 0) {
        pair.restart();
        witness.forget();
      } else if (what === 1) {
        registry.sets.delete(service);
        pair.post({ kind: "cluster_gone", service });
      } else if (what < 6) {
        const port = registry.sets.get(service)?.[0]?.port ?? 1;
        const verdict = { service, host: "10.0.0.1", port, healthy: random() < 0.5 };
        pair.post({ kind: "verdict", ...verdict });
      } else pair.post({ kind: "cluster", cluster: registry.next(service) });
      // Often the next message comes while the last set is still on its way.
      await pair.turn(random.below(3));
      if (random() < 0.5) continue;
      await pair.settle();
      witness.glance(pair, `in step ${step}`);
      if (random() < 0.5) continue;
      witness.compare(pair, `in step ${step}`);
      live(pair, random);
    }
    await pair.settle();
    witness.compare(pair, "at the end");
    pair.whole.plane.stop();
    pair.sent.plane.stop();
  });
}
