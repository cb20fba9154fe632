/** Keeps the set of one service fresh: polls, judges what comes, probes what vanished, tells what changed. */
import { jittered } from "../../core/backoff.ts";
import type { Clock, Logger, Probe, Random } from "../../core/ports.ts";
import type { Instance } from "../../core/types.ts";
import type { Discovery, FindAnswer, ServiceQuery } from "../registry/registry.ts";
import { Wakeup } from "../registry/wakeup.ts";
import { type GuardPolicy, judge, vanishedFrom } from "./guard.ts";
import { canonicalJson, isUsable, mainEndpoint, sortById } from "./service_set.ts";

/** Units: milliseconds. */
export interface FollowPolicy extends GuardPolicy {
  readonly pollMs: number;
  /** How much the time between two polls varies, as a share of it. */
  readonly pollJitter: number;
  readonly probeTimeoutMs: number;
  /** How long an endpoint that is no longer listed but still answers is kept beside others. */
  readonly keepVanishedMs: number;
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

interface Kept {
  readonly instance: Instance;
  readonly sinceMs: number;
}

/** At most so many probes of one service run at once. */
const probeWidth = 64;
/** While something vanished is kept, the registry and the endpoint are asked again sooner. */
const keptPollMs = 2_000;
/** A wish for a newer set within this time after the last question is already fulfilled. */
const refreshGapMs = 1_000;

export class ServiceFollower {
  readonly #options: FollowerOptions;
  readonly #stop = new AbortController();
  readonly #wakeup: Wakeup;
  #listed: readonly Instance[];
  #kept: readonly Kept[] = [];
  #believed: readonly Instance[] = [];
  #content = "";
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
    return this.#kept.map((one) => one.instance.instanceId);
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
    const periodMs = this.#kept.length > 0 ? Math.min(keptPollMs, policy.pollMs) : policy.pollMs;
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
    const kept = this.#kept.filter(({ instance }) =>
      !instance.endpoints.some((one) => one.host === host && one.port === port)
    );
    if (kept.length === this.#kept.length) return;
    this.#kept = kept;
    this.#believe();
  }

  #poll(): Promise<void> {
    return this.#polling ??= this.#ask().finally(() => this.#polling = undefined);
  }

  async #ask(): Promise<void> {
    const { clock, discovery, query, onAnswer, onFailure, onUnknown, logger } = this.#options;
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
    this.#revision = answer.kind === "set" ? answer.revision || undefined : undefined;
    const next = answer.kind === "set" ? answer.instances : [];
    await this.#take(next);
    if (answer.kind === "unknown" && this.#believed.length === 0) onUnknown();
  }

  async #take(next: readonly Instance[]): Promise<void> {
    if (next === this.#listed && this.#kept.length === 0) return;
    const { clock, policy, logger, query } = this.#options;
    const verdict = judge(this.#listed, next, policy);
    const missing = vanishedFrom(this.#kept.map((one) => one.instance), next);
    const kept = this.#kept.filter((one) => missing.includes(one.instance));
    if (verdict.kind === "probe") {
      const known = new Set(kept.map((one) => one.instance.instanceId));
      for (const instance of verdict.vanished) {
        if (!known.has(instance.instanceId)) kept.push({ instance, sinceMs: clock.now() });
      }
      logger.info(
        `the registry suddenly lists ${next.length} instead of ${this.#listed.length} instances of ` +
          `${query.name}; those it dropped are probed first`,
      );
    }
    this.#listed = next;
    this.#kept = kept;
    // New and changed instances do not wait for the probes of the old.
    this.#believe();
    if (kept.length === 0) return;
    const alive = await this.#probeAll(kept);
    if (this.#stop.signal.aborted) return;
    const oldestMs = clock.now() - policy.keepVanishedMs;
    // Kept for a while only, except where nothing else would be left: an empty set needs a failing probe.
    const others = this.#listed.some(isUsable);
    this.#kept = this.#kept.filter((one) =>
      alive.has(one.instance) && (!others || one.sinceMs >= oldestMs)
    );
    this.#believe();
  }

  async #probeAll(kept: readonly Kept[]): Promise<ReadonlySet<Instance>> {
    const { probe, policy: { probeTimeoutMs } } = this.#options;
    const alive = new Set<Instance>();
    const waiting = [...kept];
    const work = async () => {
      for (let one = waiting.pop(); one; one = waiting.pop()) {
        if (this.#stop.signal.aborted) return;
        const { host, port } = mainEndpoint(one.instance)!;
        if (await probe(host, port, probeTimeoutMs)) alive.add(one.instance);
      }
    };
    await Promise.all(Array.from({ length: Math.min(probeWidth, waiting.length) }, work));
    return alive;
  }

  #believe(): void {
    const believed = sortById([...this.#listed, ...this.#kept.map((one) => one.instance)]);
    const content = canonicalJson(believed);
    this.#believed = believed;
    if (content === this.#content) return;
    this.#content = content;
    this.#options.onChange(believed);
  }
}
