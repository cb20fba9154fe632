/** Runs one balancer through one world and measures what callers and instances get. */
import type { BalancePolicy, BalancerKind } from "../../../lib/core/traffic.ts";
import { hashText } from "../../../lib/core/hash.ts";
import { newStickyId, stickyIdBytes } from "../../../lib/data/balance/sticky_cookie.ts";
import { type Seeded, seeded } from "../../support/seeded.ts";
import { EventQueue } from "./event_queue.ts";
import { type Condition, Instance } from "./instance.ts";
import { Sidecar } from "./sidecar.ts";

export interface World {
  readonly seed: number;
  readonly sidecars: number;
  readonly instances: number;
  readonly slow: number;
  readonly dead: number;
  /** Share of sidecars and of instances that are in the second zone. */
  readonly farShare: number;
  readonly farMs: number;
  readonly nearMs: number;
  readonly workers: number;
  readonly maxQueue: number;
  readonly serviceMs: number;
  readonly slowFactor: number;
  /** Load as a share of what the well instances can do. */
  readonly utilisation: number;
  readonly flakyShare: number;
  /** Not measured: rounds begin, response times become known, the dead are found. */
  readonly settleMs: number;
  readonly measureMs: number;
}

/** The world of the table: 100 sidecars call 50 instances; two are slow, one is dead, ten are a zone away. */
export const fleet: World = {
  seed: 20,
  sidecars: 100,
  instances: 50,
  slow: 2,
  dead: 1,
  farShare: 0.2,
  farMs: 20,
  nearMs: 0.5,
  workers: 4,
  maxQueue: 64,
  serviceMs: 10,
  slowFactor: 10,
  utilisation: 0.5,
  flakyShare: 0,
  settleMs: 10_000,
  measureMs: 30_000,
};

export interface Row {
  readonly kind: BalancerKind;
  readonly locality: BalancePolicy["locality"];
  readonly ejection: boolean;
}

export interface Measured extends Row {
  /** Over all calls, failed ones included. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errorShare: number;
  /** Busiest well instance against the mean of the well ones, by calls. */
  readonly skew: number;
  readonly calls: number;
}

const sessionsPerSidecar = 200;
const keys = 100_000;

export function simulate(world: World, row: Row): Measured {
  const random = seeded(world.seed);
  const events = new EventQueue();
  const instances = Array.from(
    { length: world.instances },
    (_, index) => new Instance(traitsOf(world, index), events, random),
  );
  const elapsed: number[] = [];
  let errors = 0;
  const sidecars = Array.from(
    { length: world.sidecars },
    (_, index) =>
      new Sidecar(instances, {
        zone: index < world.sidecars * world.farShare ? "b" : "a",
        balance: policyOf(row),
        ejection: row.ejection,
        farMs: world.farMs,
        nearMs: world.nearMs,
        events,
        random,
        done: (elapsedMs, outcome) => {
          if (events.nowMs < world.settleMs) return;
          elapsed.push(elapsedMs);
          if (outcome !== "ok") errors++;
        },
      }),
  );
  const well = world.instances - world.slow - world.dead;
  const perSecond = (world.utilisation * well * world.workers * 1000) / world.serviceMs;
  const gapMs = (1000 * world.sidecars) / perSecond;
  for (const sidecar of sidecars) {
    const sessions = Array.from({ length: sessionsPerSidecar }, () => sessionId(random));
    const next = () => {
      sidecar.call({
        hash: row.kind === "consistent_hash" ? hashText(`user-${random.below(keys)}`) : -1,
        stickyId: row.kind === "sticky" ? random.of(sessions) : "",
      });
      events.after(-Math.log(1 - random()) * gapMs, next);
    };
    events.after(random() * gapMs, next);
  }
  events.runUntil(world.settleMs);
  for (const instance of instances) instance.received = 0;
  events.runUntil(world.settleMs + world.measureMs);
  elapsed.sort((one, other) => one - other);
  const loads = instances.filter((instance) => instance.traits.condition === "well")
    .map((instance) => instance.received);
  return {
    ...row,
    p50Ms: elapsed[Math.floor(elapsed.length * 0.5)]!,
    p99Ms: elapsed[Math.floor(elapsed.length * 0.99)]!,
    errorShare: errors / elapsed.length,
    skew: Math.max(...loads) / (loads.reduce((sum, load) => sum + load, 0) / loads.length),
    calls: elapsed.length,
  };
}

/** The first instances are a zone away; those in trouble come after them. */
function traitsOf(world: World, index: number) {
  const far = Math.round(world.instances * world.farShare);
  const after = index - far;
  const condition: Condition = after < 0
    ? "well"
    : after < world.slow
    ? "slow"
    : after < world.slow + world.dead
    ? "dead"
    : "well";
  return {
    name: `10.0.${after < 0 ? 1 : 0}.${index}:8080`,
    zone: after < 0 ? "b" : "a",
    condition,
    workers: world.workers,
    maxQueue: world.maxQueue,
    serviceMs: world.serviceMs * (condition === "slow" ? world.slowFactor : 1),
    flakyShare: world.flakyShare,
  };
}

function sessionId(random: Seeded): string {
  return newStickyId(Uint8Array.from({ length: stickyIdBytes }, () => random.below(256)));
}

function policyOf(row: Row): BalancePolicy {
  return {
    kind: row.kind,
    hashOn: { kind: "header", name: "x-user" },
    slowStartMs: 0,
    locality: row.locality,
    decayMs: 10_000,
    stickyIdleMs: 300_000,
    stickyFailures: 5,
  };
}
