/** Keeps the set of one service fresh: polls, judges what comes, probes what vanished, tells what changed. */
import { jittered } from "../../core/backoff.ts";
import type { Clock, Logger, Probe, Random } from "../../core/ports.ts";
import type { Instance } from "../../core/types.ts";
import type { Discovery, FindAnswer, ServiceQuery } from "../registry/registry.ts";
import { Wakeup } from "../registry/wakeup.ts";
import { type GuardPolicy, judge, RecentCount } from "./guard.ts";
import { type KeepPolicy, KeptInstances } from "./kept.ts";
import { isUsable, shareUnchanged, sortById } from "./service_set.ts";

/** Units: milliseconds. */
export interface FollowPolicy extends GuardPolicy, KeepPolicy {
  readonly pollMs: number;
  /** How much the time between two polls varies, as a share of it. */
  readonly pollJitter: number;
}

export interface FollowerOptions {
  readonly query: ServiceQuery;
  readonly discovery: Discovery;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly probe: Probe;
  readonly policy: FollowPolicy;
  /** The believed set, sorted by id; called only when its content changed. */
  readonly onChange: (instances: readonly Instance[]) => void;
  /** The registry says that there is no such service, and nothing of it answers any more. */
  readonly onUnknown: () => void;
  /** Why the registry's lists are doubted just now. */
  readonly doubt: () => string | undefined;
  /** The registry no longer knows the service although instances of it were listed just before. */
  readonly onForgotten: () => void;
  /** False while polls are pointless because somebody else looks out for the registry. */
  readonly reachable: () => boolean;
  /** A poll begins because its time has come; others that are due soon may come along. */
  readonly onDue?: () => void;
  readonly onAnswer: () => void;
  readonly onFailure: (error: unknown) => void;
}

/** What a follower begins with: an answer of the registry, or a set from the disk. */
export interface FirstSet {
  readonly instances: readonly Instance[];
  readonly revision: string | undefined;
  /** Monotonic time at which the registry said so. */
  readonly confirmedAtMs: number;
  readonly source: "registry" | "disk";
}

/** While something vanished is kept, the registry and the endpoint are asked again sooner. */
const keptPollMs = 2_000;
/** A wish for a newer set within this time after the last question is already fulfilled. */
const refreshGapMs = 1_000;

export class ServiceFollower {
  readonly #options: FollowerOptions;
  readonly #stop = new AbortController();
  readonly #wakeup: Wakeup;
  #listed: readonly Instance[];
  readonly #kept: KeptInstances;
  readonly #recent: RecentCount;
  #believed: readonly Instance[] = [];
  #told = false;
  #revision: string | undefined;
  #confirmedAtMs: number;
  #source: "registry" | "disk";
  #lastError: string | undefined;
  #polling: Promise<void> | undefined;
  #askedAtMs: number;
  #dueMs: number;

  constructor(first: FirstSet, options: FollowerOptions) {
    const { clock, random, policy } = options;
    this.#options = options;
    this.#wakeup = new Wakeup(clock, this.#stop.signal);
    this.#kept = new KeptInstances(options);
    this.#recent = new RecentCount(first.instances.filter(isUsable).length);
    this.#listed = first.instances;
    this.#revision = first.revision;
    this.#confirmedAtMs = first.confirmedAtMs;
    this.#source = first.source;
    const fresh = first.source === "registry";
    this.#askedAtMs = fresh ? clock.now() : -Infinity;
    this.#dueMs = clock.now() +
      (fresh ? jittered(policy.pollMs, policy.pollJitter, random()) : random() * refreshGapMs);
    this.#believe();
  }

  get query(): ServiceQuery {
    return this.#options.query;
  }

  /** The believed set, sorted by id. */
  get instances(): readonly Instance[] {
    return this.#believed;
  }

  /** Ids of instances that the registry no longer lists and that are kept because they answer. */
  get keptIds(): readonly string[] {
    return this.#kept.instances.map((one) => one.instanceId);
  }

  /** Monotonic time of the last answer of the registry about this service. */
  get confirmedAtMs(): number {
    return this.#confirmedAtMs;
  }

  get source(): "registry" | "disk" {
    return this.#source;
  }

  get lastError(): string | undefined {
    return this.#lastError;
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Polls until stopped. */
  async run(): Promise<void> {
    const { clock, onDue } = this.#options;
    while (!this.#stop.signal.aborted) {
      const waitMs = this.#dueMs - clock.now();
      if (waitMs > 0) {
        await this.#wakeup.sleep(waitMs);
        continue;
      }
      const turn = this.#turn();
      onDue?.();
      await turn;
    }
  }

  /** Polls now, together with another service, if its own turn comes within the given time anyway. */
  joinPoll(withinMs: number): void {
    if (this.#polling || this.#dueMs > this.#options.clock.now() + withinMs) return;
    void this.#turn().then(() => this.#wakeup.wake());
  }

  async #turn(): Promise<void> {
    const { clock, random, policy, reachable } = this.#options;
    // A poll that takes long must not make the next one due at once; an earlier wish still counts.
    this.#dueMs = Infinity;
    if (reachable()) await this.#poll();
    const periodMs = this.#kept.size > 0 ? Math.min(keptPollMs, policy.pollMs) : policy.pollMs;
    this.#dueMs = Math.min(
      this.#dueMs,
      clock.now() + jittered(periodMs, policy.pollJitter, random()),
    );
  }

  /** Tells the believed set once more, because it is read differently now. */
  tellAgain(): void {
    this.#options.onChange(this.#believed);
  }

  /** Makes the next poll happen within the given time. */
  pollWithin(ms: number): void {
    const dueMs = this.#options.clock.now() + ms * this.#options.random();
    if (dueMs >= this.#dueMs) return;
    this.#dueMs = dueMs;
    this.#wakeup.wake();
  }

  /** Asks the registry now, unless that was just done. Never rejects. */
  refresh(): Promise<void> {
    if (this.#polling) return this.#polling;
    if (this.#options.clock.now() - this.#askedAtMs < refreshGapMs) return Promise.resolve();
    return this.#poll();
  }

  /** Somebody failed to reach an endpoint: if it is only kept, it is dropped at once. */
  distrust(host: string, port: number): void {
    if (this.#kept.drop(host, port)) this.#believe();
  }

  #poll(): Promise<void> {
    return this.#polling ??= this.#ask().finally(() => this.#polling = undefined);
  }

  async #ask(): Promise<void> {
    const { clock, discovery, query, onAnswer, onFailure, onUnknown, onForgotten, logger } = this
      .#options;
    this.#askedAtMs = clock.now();
    let answer: FindAnswer;
    try {
      answer = await discovery.find(query, this.#revision, this.#stop.signal);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      // A registry that comes back may count its revisions anew: the next answer has to be a whole one.
      this.#revision = undefined;
      const words = error instanceof Error ? error.message : String(error);
      if (words !== this.#lastError) logger.debug(`${query.name} was not refreshed: ${words}`);
      this.#lastError = words;
      onFailure(error);
      return;
    }
    if (this.#stop.signal.aborted) return;
    this.#lastError = undefined;
    this.#confirmedAtMs = clock.now();
    this.#source = "registry";
    onAnswer();
    if (answer.kind === "unchanged") return await this.#take(this.#listed);
    if (answer.kind === "set") {
      this.#revision = answer.revision || undefined;
      return await this.#take(answer.instances);
    }
    this.#revision = undefined;
    if (this.#listed.some(isUsable)) onForgotten();
    await this.#take([], { unknown: true });
    if (this.#believed.length === 0) onUnknown();
  }

  async #take(
    listed: readonly Instance[],
    { unknown = false }: { readonly unknown?: boolean } = {},
  ): Promise<void> {
    const next = shareUnchanged(this.#listed, listed);
    if (next === this.#listed && this.#kept.size === 0) return;
    const { clock, policy, logger, query, doubt } = this.#options;
    const verdict = judge({
      old: this.#listed,
      next,
      unknown,
      recently: this.#recent.largest(clock.now()),
      doubt: doubt(),
    }, policy);
    if (verdict.kind === "probe") {
      logger.info(
        `the registry lists ${next.length} instances of ${query.name} after ` +
          `${this.#listed.length}; those it dropped are probed first, because ${verdict.why}`,
      );
    }
    this.#listed = next;
    this.#recent.changed(next.filter(isUsable).length, clock.now());
    this.#kept.update(next, verdict.kind === "probe" ? verdict.vanished : []);
    // New and changed instances do not wait for the probes of the old.
    this.#believe();
    if (this.#kept.size === 0) return;
    await this.#kept.probe({
      othersLeft: () => this.#listed.some(isUsable),
      policy,
      signal: this.#stop.signal,
    });
    if (!this.#stop.signal.aborted) this.#believe();
  }

  #believe(): void {
    const sorted = sortById([...this.#listed, ...this.#kept.instances]);
    const believed = shareUnchanged(this.#believed, sorted);
    if (believed === this.#believed && this.#told) return;
    this.#believed = believed;
    this.#told = true;
    this.#options.onChange(believed);
  }
}
