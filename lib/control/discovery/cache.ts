/** The discovery cache: the last good set of every service that is in use, found lazily and then kept fresh. */
import { backoffMs } from "../../core/backoff.ts";
import { Wakeup } from "../registry/wakeup.ts";
import {
  type CacheOptions,
  type CachePolicy,
  defaultCachePolicy,
  type EarlierSet,
  type ServiceView,
} from "./cache_options.ts";
import { type ContactState, RegistryContact } from "./contact.ts";
import { type FirstSet, ServiceFollower } from "./follower.ts";
import { type Lookup, NameLookup } from "./lookup.ts";
import { NamesIndex } from "./names_index.ts";
import { selectVersions } from "./service_set.ts";

/** After an outage the sets are asked for again spread over this time. */
const restoreSpreadMs = 2_000;
const changeSpreadMs = 100;
/** A watch that lasted so long did not fail at its start. */
const longWatchMs = 60_000;
/** A poll that is due within this share of its period comes along with one that is due now. */
const togetherShare = 0.4;
const contactBackoff = { baseMs: 1_000, maxMs: 10_000 } as const;

interface Followed {
  readonly follower: ServiceFollower;
  usedAtMs: number;
}

export class DiscoveryCache {
  readonly #options: CacheOptions;
  /** Shared with every follower, which looks at it afresh each time. */
  readonly #policy: CachePolicy;
  readonly #services = new Map<string, Followed>();
  readonly #lookup: NameLookup;
  readonly #names: NamesIndex;
  readonly #contact: RegistryContact;
  readonly #contactWakeup: Wakeup;
  readonly #stop = new AbortController();
  readonly #loops = new Set<Promise<void>>();

  constructor(options: CacheOptions) {
    const { backend, clock, random, logger, app, environment } = options;
    this.#options = options;
    const policy = { ...defaultCachePolicy, ...options.policy };
    this.#policy = policy;
    this.#contactWakeup = new Wakeup(clock, this.#stop.signal);
    this.#names = new NamesIndex({
      fetchNames: () => backend.discovery.names({ app, environment }, this.#stop.signal),
      clock,
      get intervalMs() {
        return policy.namesIntervalMs;
      },
    });
    this.#contact = new RegistryContact({
      clock,
      random,
      logger,
      where: `${backend.kind} ${backend.address}`,
      onRestored: () => this.#askOverdue(),
      onLost: () => this.#contactWakeup.wake(),
    });
    this.#lookup = new NameLookup({
      clock,
      logger,
      where: `application "${app}", environment "${environment}", ` +
        `at ${backend.kind} ${backend.address}`,
      get negativeMs() {
        return policy.negativeMs;
      },
      names: this.#names,
      known: this.#services,
      blocked: () => this.#contact.blocked,
      find: (name) => this.#find(name),
      failed: (error) => {
        if (!this.#stop.signal.aborted) this.#contact.failed(error);
      },
    });
  }

  /** Serves earlier sets at once; they are asked for again as soon as the registry answers. */
  restore(sets: readonly EarlierSet[]): void {
    for (const set of sets) {
      if (this.#services.has(set.service)) continue;
      this.#follow(set.service, {
        instances: set.instances,
        // A revision of an earlier life proves nothing: the registry may have begun to count anew.
        revision: undefined,
        confirmedAtMs: this.#options.clock.now() - set.ageMs,
        source: "disk",
      });
    }
  }

  /**
   * Begins to look for the registry, to watch it where it can be watched, and to forget unused services.
   *
   * Shape: without it the cache answers, but does not recover from an outage.
   */
  start(): void {
    this.#loop(this.#keepContact());
    this.#loop(this.#watch());
    this.#loop(this.#evict());
  }

  /** Ends every loop and call. */
  async stop(): Promise<void> {
    this.#stop.abort();
    for (const { follower } of this.#services.values()) follower.stop();
    await Promise.allSettled([...this.#loops, this.#lookup.settled()]);
  }

  get contact(): ContactState {
    return this.#contact.state;
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

  /** Takes over other times and rules; sets that are known already are chosen from anew. */
  setPolicy(policy: Partial<CachePolicy>): void {
    const { pollMs, defaultVersion } = this.#policy;
    Object.assign(this.#policy, policy);
    for (const { follower } of this.#services.values()) {
      if (this.#policy.pollMs < pollMs) follower.pollWithin(this.#policy.pollMs);
      if (this.#policy.defaultVersion !== defaultVersion) follower.tellAgain();
    }
  }

  /** Says that the service is in use. */
  touch(service: string): void {
    const followed = this.#services.get(service);
    if (followed) followed.usedAtMs = this.#options.clock.now();
  }

  /** Asks for a newer set of a followed service, at most once a second. Never rejects. */
  async refresh(service: string): Promise<void> {
    await this.#services.get(service)?.follower.refresh();
  }

  /** An endpoint could not be reached; one that only lives on because it answered a probe is dropped. */
  distrust(service: string, endpoint: { readonly host: string; readonly port: number }): void {
    this.#services.get(service)?.follower.distrust(endpoint.host, endpoint.port);
  }

  /**
   * Finds out which service a name means: the exact name first, then the only one that differs by case.
   *
   * Shape: never rejects; the set of the service has been handed to `onSet` when the answer comes.
   */
  async lookup(name: string): Promise<Lookup> {
    const lookup: Lookup = this.#services.has(name)
      ? { kind: "service", service: name }
      : await this.#lookup.lookup(name);
    if (lookup.kind === "service") this.touch(lookup.service);
    return lookup;
  }

  /** True when the registry knows the service; it is followed from then on. Errors: those of the registry. */
  async #find(name: string): Promise<boolean> {
    const { backend: { discovery }, app, environment, clock } = this.#options;
    const query = { app, environment, name };
    const answer = await discovery.find(query, undefined, this.#stop.signal);
    this.#contact.succeeded();
    if (answer.kind !== "set") return false;
    if (!this.#services.has(name)) {
      this.#follow(name, {
        instances: answer.instances,
        revision: answer.revision || undefined,
        confirmedAtMs: clock.now(),
        source: "registry",
      });
    }
    return true;
  }

  #follow(service: string, first: FirstSet): void {
    const { backend, app, environment, clock, random, logger, probe } = this.#options;
    if (this.#stop.signal.aborted) return;
    const follower = new ServiceFollower(first, {
      query: { app, environment, name: service },
      discovery: backend.discovery,
      clock,
      random,
      logger,
      probe,
      policy: this.#policy,
      onChange: (instances) => {
        const chosen = selectVersions(instances, this.#policy.defaultVersion);
        this.#tell(() => this.#options.onSet({ service, instances: chosen }));
      },
      onUnknown: () => this.#forget(service, "the registry knows it no longer"),
      onDue: () => this.#pollTogether(service),
      reachable: () => this.#contact.state.reachable !== false,
      onAnswer: () => this.#contact.succeeded(),
      onFailure: (error) => this.#contact.failed(error),
    });
    this.#services.set(service, { follower, usedAtMs: clock.now() });
    this.#loop(follower.run());
  }

  /** The polls of all services converge, so that the backend can make one call of them. */
  #pollTogether(first: string): void {
    const { pollMs, pollJitter } = this.#policy;
    // So far apart the polls of one round can lie, since each period varies to either side.
    const withinMs = pollMs * Math.max(togetherShare, 2 * pollJitter);
    for (const [service, { follower }] of this.#services) {
      if (service !== first) follower.joinPoll(withinMs);
    }
  }

  #forget(service: string, reason: string): void {
    const followed = this.#services.get(service);
    if (!followed) return;
    followed.follower.stop();
    this.#services.delete(service);
    this.#options.logger.info(`the service ${service} is no longer followed: ${reason}`);
    this.#tell(() => this.#options.onGone(service));
  }

  /** A listener that fails must not end the loop that told it. */
  #tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#options.logger.error("a listener of the discovery cache failed", { error });
    }
  }

  /** The sets whose poll fell into an outage are asked for again; the others keep their turn. */
  #askOverdue(): void {
    const dueMs = this.#options.clock.now() - this.#policy.pollMs;
    for (const { follower } of this.#services.values()) {
      if (follower.source === "disk" || follower.confirmedAtMs < dueMs) {
        follower.pollWithin(restoreSpreadMs);
      }
    }
  }

  /** While the registry is silent, asks for its names again and again, ever more slowly. */
  async #keepContact(): Promise<void> {
    const { random } = this.#options;
    let attempt = 0;
    while (!this.#stop.signal.aborted) {
      if (this.#contact.state.reachable) {
        attempt = 0;
        await this.#contactWakeup.sleep(60_000);
        continue;
      }
      try {
        await this.#names.refresh();
        this.#contact.succeeded();
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#contact.failed(error);
        await this.#contactWakeup.sleep(backoffMs(contactBackoff, ++attempt, random()));
      }
    }
  }

  async #watch(): Promise<void> {
    const { backend: { watch }, clock, random, logger } = this.#options;
    for (let attempt = 1; watch && !this.#stop.signal.aborted; attempt++) {
      const beganMs = clock.now();
      try {
        await watch.watch((name) => this.#changed(name), this.#stop.signal);
      } catch (error) {
        logger.debug(`the watch of the registry ended: ${error}`);
      }
      if (clock.now() - beganMs > longWatchMs) attempt = 1;
      await clock.sleep(backoffMs(contactBackoff, attempt, random()), this.#stop.signal);
    }
  }

  #changed(name: string | undefined): void {
    this.#lookup.forget();
    this.#names.invalidate();
    for (const [service, { follower }] of this.#services) {
      if (name === undefined || name === service) follower.pollWithin(changeSpreadMs);
    }
  }

  async #evict(): Promise<void> {
    const { clock } = this.#options;
    const sweepMs = Math.max(1_000, Math.min(60_000, this.#policy.evictMs / 4));
    while (!this.#stop.signal.aborted) {
      await clock.sleep(sweepMs, this.#stop.signal);
      for (const [service, { usedAtMs }] of [...this.#services]) {
        if (clock.now() - usedAtMs >= this.#policy.evictMs) {
          this.#forget(service, "nobody called it for a long time");
        }
      }
    }
  }

  #loop(loop: Promise<void>): void {
    this.#loops.add(loop);
    const { logger } = this.#options;
    void loop.catch((error) => logger.error(`a loop of the discovery cache ended: ${error}`))
      .finally(() => this.#loops.delete(loop));
  }
}
