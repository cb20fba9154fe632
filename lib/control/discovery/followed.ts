/** The services that are followed: who they are, when each was last used, and whose polls come when. */
import type { Clock, Logger } from "../../core/ports.ts";
import type { CachePolicy, ServiceView } from "./cache_options.ts";
import type { ServiceFollower } from "./follower.ts";

/** After an outage the sets are asked for again spread over this time. */
const restoreSpreadMs = 2_000;
const changeSpreadMs = 100;
/** A poll that is due within this share of its period comes along with one that is due now. */
const togetherShare = 0.4;

export interface FollowedOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** May change; looked at afresh each time. */
  readonly policy: CachePolicy;
  readonly onGone: (service: string) => void;
}

interface Followed {
  readonly follower: ServiceFollower;
  usedAtMs: number;
}

export class FollowedServices {
  readonly #options: FollowedOptions;
  readonly #services = new Map<string, Followed>();

  constructor(options: FollowedOptions) {
    this.#options = options;
  }

  /** By name; the values are nobody's business. */
  get names(): ReadonlyMap<string, unknown> {
    return this.#services;
  }

  get(service: string): ServiceFollower | undefined {
    return this.#services.get(service)?.follower;
  }

  add(service: string, follower: ServiceFollower): void {
    this.#services.set(service, { follower, usedAtMs: this.#options.clock.now() });
  }

  forget(service: string, reason: string): void {
    const followed = this.#services.get(service);
    if (!followed) return;
    followed.follower.stop();
    this.#services.delete(service);
    this.#options.logger.info(`the service ${service} is no longer followed: ${reason}`);
    this.#options.onGone(service);
  }

  stop(): void {
    for (const { follower } of this.#services.values()) follower.stop();
  }

  views(): readonly ServiceView[] {
    return [...this.#services].map(([service, { follower }]) => ({
      service,
      instances: follower.instances,
      keptIds: follower.keptIds,
      ageMs: this.#options.clock.now() - follower.confirmedAtMs,
      source: follower.source,
      ...(follower.lastError === undefined ? {} : { lastError: follower.lastError }),
    }));
  }

  touch(service: string): void {
    const followed = this.#services.get(service);
    if (followed) followed.usedAtMs = this.#options.clock.now();
  }

  /** The policy was another one until now. */
  policyChanged({ pollMs, defaultVersion }: CachePolicy): void {
    const { policy } = this.#options;
    for (const { follower } of this.#services.values()) {
      if (policy.pollMs < pollMs) follower.pollWithin(policy.pollMs);
      if (policy.defaultVersion !== defaultVersion) follower.tellAgain();
    }
  }

  /** The polls of all services converge, so that the backend can make one call of them. */
  pollTogether(first: string): void {
    const { pollMs, pollJitter } = this.#options.policy;
    // So far apart the polls of one round can lie, since each period varies to either side.
    const withinMs = pollMs * Math.max(togetherShare, 2 * pollJitter);
    for (const [service, { follower }] of this.#services) {
      if (service !== first) follower.joinPoll(withinMs);
    }
  }

  /** The sets whose poll fell into an outage are asked for again; the others keep their turn. */
  askOverdue(): void {
    const { clock, policy } = this.#options;
    const dueMs = clock.now() - policy.pollMs;
    for (const { follower } of this.#services.values()) {
      if (follower.source === "disk" || follower.confirmedAtMs < dueMs) {
        follower.pollWithin(restoreSpreadMs);
      }
    }
  }

  /** The registry tells of a change of services with this name, undefined for any. */
  changed(name: string | undefined): void {
    for (const { follower } of this.#services.values()) {
      if (name === undefined || name === follower.query.name) follower.pollWithin(changeSpreadMs);
    }
  }

  /** Forgets what nobody calls any more, until `signal` aborts. */
  async evict(signal: AbortSignal): Promise<void> {
    const { clock, policy } = this.#options;
    const sweepMs = Math.max(1_000, Math.min(60_000, policy.evictMs / 4));
    while (!signal.aborted) {
      await clock.sleep(sweepMs, signal);
      for (const [service, { usedAtMs }] of [...this.#services]) {
        if (clock.now() - usedAtMs >= policy.evictMs) {
          this.forget(service, "nobody called it for a long time");
        }
      }
    }
  }
}
