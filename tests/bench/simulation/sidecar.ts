/** One simulated sidecar: its own view of the instances, its own balancer. */
import type { Random } from "../../../lib/core/ports.ts";
import type { BalancePolicy, OutlierPolicy } from "../../../lib/core/traffic.ts";
import type { Balancer, PickRequest } from "../../../lib/data/balance/balancer.ts";
import {
  type Candidate,
  freshNumbers,
  observeAnswer,
  observeRefusal,
} from "../../../lib/data/balance/candidate.ts";
import { createBalancer } from "../../../lib/data/balance/create.ts";
import { hashShare, mixHash } from "../../../lib/core/hash.ts";
import { chooseTier, localityTiers } from "../../../lib/data/balance/locality.ts";
import { EndpointHealth } from "../../../lib/data/resilience/endpoint_health.ts";
import { ClusterHealth } from "../../../lib/data/resilience/outlier.ts";
import type { EventQueue } from "./event_queue.ts";
import type { Instance, Outcome } from "./instance.ts";

export interface SidecarOptions {
  readonly zone: string;
  readonly balance: BalancePolicy;
  readonly ejection: boolean;
  /** Round trip to the other zone and back, on top. */
  readonly farMs: number;
  readonly nearMs: number;
  readonly events: EventQueue;
  readonly random: Random;
  readonly done: (elapsedMs: number, outcome: Outcome) => void;
}

interface View extends Candidate {
  readonly instance: Instance;
  readonly health: EndpointHealth;
}

interface Choice {
  readonly share: number;
  readonly members: readonly View[];
}

/** Passive ejection as it is by default. */
const outlier: OutlierPolicy = {
  enabled: true,
  consecutiveFailures: 5,
  successShare: 0.8,
  minRequests: 10,
  windowMs: 10_000,
  baseEjectMs: 1_000,
  maxEjectMs: 60_000,
  maxEjectedShare: 0.5,
  panicShare: 0.5,
};

/** Picks that may fall on an instance that takes no more just now. */
const redraws = 4;

export class Sidecar {
  readonly #options: SidecarOptions;
  readonly #views: readonly View[];
  readonly #balancer: Balancer;
  #choices: readonly Choice[] = [];
  #usable: readonly View[] = [];
  #validUntilMs = -Infinity;

  constructor(instances: readonly Instance[], options: SidecarOptions) {
    this.#options = options;
    const health = new ClusterHealth({ ...outlier, enabled: options.ejection }, options.random);
    health.total = instances.length;
    this.#views = instances.map((instance) => ({
      ...freshNumbers,
      key: instance.traits.name,
      weight: 1,
      instance,
      health: new EndpointHealth(health),
    }));
    this.#balancer = createBalancer(options.balance, options.random());
  }

  /** One call of the application. */
  call(key: { readonly hash: number; readonly stickyId: string }): void {
    const { events, random } = this.#options;
    const startedAtMs = events.nowMs;
    const view = this.#pick({ nowMs: startedAtMs, random, ...key });
    const ticket = view.health.begin(startedAtMs);
    if (view.health.state !== "healthy") this.#validUntilMs = -Infinity;
    view.open++;
    const away = view.instance.traits.zone !== this.#options.zone;
    const oneWayMs = (this.#options.nearMs + (away ? this.#options.farMs : 0)) / 2;
    events.after(oneWayMs, () =>
      view.instance.call((outcome) =>
        events.after(oneWayMs, () => {
          view.open--;
          const elapsedMs = events.nowMs - startedAtMs;
          this.#settle(view, { elapsedMs, ticket, failed: outcome !== "ok", ...key });
          this.#options.done(elapsedMs, outcome);
        })
      ));
  }

  #pick(request: PickRequest): View {
    if (request.nowMs >= this.#validUntilMs) this.#renew(request.nowMs);
    const usable = this.#usable;
    const bound = usable[this.#balancer.bound?.(usable, request) ?? -1];
    if (bound !== undefined) return usable[this.#balancer.pick(usable, request)]!;
    const { hash, random } = request;
    let view: View | undefined;
    for (let draw = 0; draw < redraws; draw++) {
      const at = hash >= 0 ? hashShare(mixHash(hash, 77)) : random();
      const { members } = this.#choices[chooseTier(this.#choices, at)]!;
      view = members[this.#balancer.pick(members, request)]!;
      if (view.health.mayPick(request.nowMs, view.open)) break;
    }
    return view!;
  }

  #settle(
    view: View,
    call: {
      readonly elapsedMs: number;
      readonly ticket: number;
      readonly failed: boolean;
      readonly stickyId: string;
    },
  ): void {
    const { nowMs } = this.#options.events;
    const { elapsedMs, failed, stickyId, ticket } = call;
    const at = { nowMs, decayMs: this.#options.balance.decayMs, retryAfterMs: 0 };
    this.#balancer.sessions?.settle(stickyId, view.key, { failed });
    const before = view.health.state;
    if (failed) {
      observeRefusal(view, elapsedMs, at);
      view.health.failed(ticket, nowMs);
    } else {
      observeAnswer(view, elapsedMs, at);
      view.health.succeeded(ticket, nowMs);
    }
    if (view.health.state !== before) this.#validUntilMs = -Infinity;
  }

  /** Parts the instances anew; balancers take another array for another state of health. */
  #renew(nowMs: number): void {
    const { balance, zone } = this.#options;
    const well = (view: View) => view.health.state === "healthy" || view.health.mayPick(nowMs, 0);
    this.#usable = this.#views.filter(well);
    this.#validUntilMs = Infinity;
    for (const { health } of this.#views) {
      if (health.state !== "healthy" && health.untilMs > nowMs) {
        this.#validUntilMs = Math.min(this.#validUntilMs, health.untilMs);
      }
    }
    if (balance.locality === "off") {
      this.#choices = [{ share: 1, members: this.#usable }];
      return;
    }
    const located = this.#views.map((view) => ({
      zone: view.instance.traits.zone,
      weight: view.weight,
      healthy: well(view),
    }));
    this.#choices = localityTiers(located, { zone }).map(({ share, members }) => ({
      share,
      members: members.map((index) => this.#views[index]!),
    }));
  }
}
