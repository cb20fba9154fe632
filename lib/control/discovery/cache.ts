/** The discovery cache: the last good set of every service that is in use, found lazily and then kept fresh. */
import type { FindAnswer, RegistrySign, ServiceQuery } from "../registry/registry.ts";
import { Wakeup } from "../registry/wakeup.ts";
import { keepContact, keepWatch } from "./cache_loops.ts";
import {
  type CacheOptions,
  type CachePolicy,
  defaultCachePolicy,
  type EarlierSet,
  type ServiceView,
} from "./cache_options.ts";
import { type ContactState, RegistryContact } from "./contact.ts";
import { doubtAt } from "./doubt.ts";
import { FollowedServices } from "./followed.ts";
import { type FirstSet, ServiceFollower } from "./follower.ts";
import { type Lookup, NameLookup } from "./lookup.ts";
import { NameLists } from "./name_lists.ts";
import { otherKey, splitName } from "./other_apps.ts";
import { selectVersions } from "./service_set.ts";

export class DiscoveryCache {
  readonly #options: CacheOptions;
  /** Shared with every follower, which looks at it afresh each time. */
  readonly #policy: CachePolicy;
  readonly #services: FollowedServices;
  readonly #lookup: NameLookup;
  readonly #names: NameLists;
  readonly #contact: RegistryContact;
  readonly #contactWakeup: Wakeup;
  readonly #stop = new AbortController();
  readonly #loops = new Set<Promise<void>>();
  #forgotten: RegistrySign | undefined;

  constructor(options: CacheOptions) {
    const { backend, clock, random, logger, app, environment } = options;
    this.#options = options;
    const policy = { ...defaultCachePolicy, ...options.policy };
    this.#policy = policy;
    this.#services = new FollowedServices({
      clock,
      logger,
      policy,
      onGone: (service) => this.#tell(() => options.onGone(service)),
    });
    this.#contactWakeup = new Wakeup(clock, this.#stop.signal);
    this.#names = new NameLists({
      discovery: backend.discovery,
      app,
      environment,
      clock,
      intervalMs: () => policy.namesIntervalMs,
      signal: this.#stop.signal,
    });
    this.#contact = new RegistryContact({
      clock,
      random,
      logger,
      where: `${backend.kind} ${backend.address}`,
      onRestored: () => this.#services.askOverdue(),
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
      names: this.#names.own,
      known: this.#services.names,
      blocked: () => this.#contact.blocked,
      find: (name) => this.#find(name, this.#query(name)),
      others: {
        split: (name) => splitName(name, this.#otherApps),
        names: (other) => this.#names.of(other),
        find: (other) => this.#find(otherKey(other), this.#query(other.name, other.app)),
      },
      failed: (error) => {
        if (!this.#stop.signal.aborted) this.#contact.failed(error);
      },
    });
  }

  /** Serves earlier sets at once; they are asked for again as soon as the registry answers. */
  restore(sets: readonly EarlierSet[]): void {
    for (const set of sets) {
      const query = this.#earlierQuery(set);
      if (query === undefined || this.#services.get(set.service)) continue;
      this.#follow(set.service, query, {
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
    const { backend: { watch }, clock, random, logger } = this.#options;
    const { signal } = this.#stop;
    this.#loop(keepContact({
      contact: this.#contact,
      wakeup: this.#contactWakeup,
      ask: () => this.#names.own.refresh(),
      random,
      signal,
    }));
    const changed = (name: string | undefined) => {
      this.#lookup.forget();
      this.#names.invalidate();
      this.#services.changed(name);
    };
    this.#loop(keepWatch({ watch, changed, clock, random, logger, signal }));
    this.#loop(this.#services.evict(signal));
  }

  /** Ends every loop and call. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#services.stop();
    await Promise.allSettled([...this.#loops, this.#lookup.settled()]);
  }

  /** How the registry answers, and how its watch does. */
  get contact(): ContactState {
    const watch = this.#options.backend.watch?.state;
    return { ...this.#contact.state, ...(watch === undefined ? {} : { watch }) };
  }

  /** Why an instance that the registry lists no longer would be probed first just now; undefined: it would not. */
  get doubt(): string | undefined {
    const { backend, clock } = this.#options;
    const signs = [this.#contact.lastFailure, backend.lastSign?.(), this.#forgotten];
    return doubtAt(clock.now(), signs);
  }

  views(): readonly ServiceView[] {
    return this.#services.views();
  }

  /** Takes over other times and rules; sets that are known already are chosen from anew. */
  setPolicy(policy: Partial<CachePolicy>): void {
    const before = { ...this.#policy };
    Object.assign(this.#policy, policy);
    this.#services.policyChanged(before);
  }

  /** Says that the service is in use. */
  touch(service: string): void {
    this.#services.touch(service);
  }

  /** Asks for a newer set of a followed service, at most once a second. Never rejects. */
  async refresh(service: string): Promise<void> {
    await this.#services.get(service)?.refresh();
  }

  /** An endpoint could not be reached; one that only lives on because it answered a probe is dropped. */
  distrust(service: string, endpoint: { readonly host: string; readonly port: number }): void {
    this.#services.get(service)?.distrust(endpoint.host, endpoint.port);
  }

  /**
   * Finds out which service a name means: the exact name first, then the only one that differs by case.
   *
   * Shape: never rejects; the set of the service has been handed to `onSet` when the answer comes.
   */
  async lookup(name: string): Promise<Lookup> {
    const lookup: Lookup = this.#services.get(name)
      ? { kind: "service", service: name }
      : await this.#lookup.lookup(name);
    if (lookup.kind === "service") this.touch(lookup.service);
    return lookup;
  }

  get #otherApps(): readonly string[] {
    const { app, otherApps = [] } = this.#options;
    return otherApps.filter((one) => one !== app);
  }

  #query(name: string, app: string = this.#options.app): ServiceQuery {
    return { app, environment: this.#options.environment, name };
  }

  /** What an earlier life asked for. Shape: undefined for an application that is not listed any more. */
  #earlierQuery({ service, instances: [first] }: EarlierSet): ServiceQuery | undefined {
    const { app } = this.#options;
    if (first === undefined || first.app === app) return this.#query(service);
    const other = splitName(service, this.#otherApps).find((one) => one.app === first.app);
    return other && this.#query(other.name, other.app);
  }

  /**
   * True when the registry knows the service; it is followed from then on, under a name of its own here.
   *
   * Errors: those of the registry.
   */
  async #find(service: string, query: ServiceQuery): Promise<boolean> {
    const { backend: { discovery }, clock } = this.#options;
    const answer: FindAnswer = await discovery.find(query, undefined, this.#stop.signal);
    this.#contact.succeeded();
    if (answer.kind !== "set") return false;
    if (!this.#services.get(service)) {
      this.#follow(service, query, {
        instances: answer.instances,
        revision: answer.revision || undefined,
        confirmedAtMs: clock.now(),
        source: "registry",
      });
    }
    return true;
  }

  #follow(service: string, query: ServiceQuery, first: FirstSet): void {
    const { backend, clock, random, logger, probe } = this.#options;
    if (this.#stop.signal.aborted) return;
    const follower = new ServiceFollower(first, {
      query,
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
      doubt: () => this.doubt,
      onForgotten: () => {
        this.#forgotten = { atMs: clock.now(), why: `it no longer knows ${service}` };
      },
      onUnknown: () => this.#services.forget(service, "the registry knows it no longer"),
      onDue: () => this.#services.pollTogether(service),
      reachable: () => this.#contact.state.reachable !== false,
      onAnswer: () => this.#contact.succeeded(),
      onFailure: (error) => this.#contact.failed(error),
    });
    this.#services.add(service, follower);
    this.#loop(follower.run());
  }

  /** A listener that fails must not end the loop that told it. */
  #tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#options.logger.error("a listener of the discovery cache failed", { error });
    }
  }

  #loop(loop: Promise<void>): void {
    this.#loops.add(loop);
    const { logger } = this.#options;
    void loop.catch((error) => logger.error(`a loop of the discovery cache ended: ${error}`))
      .finally(() => this.#loops.delete(loop));
  }
}
