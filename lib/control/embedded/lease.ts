/** Ends the leases that nobody renews: one sweep over all instances, and doubt when almost all go silent at once. */
import type { Logger } from "../../core/ports.ts";
import type { InstanceRecord } from "./records.ts";
import type { Partition } from "./partition.ts";
import type { Store } from "./store.ts";

/** Instances that lost contact at one moment end within one default heartbeat interval of each other. */
const windowMs = 30_000;
/** So few instances may well end together. */
const smallRegistry = 5;
const suspiciousShare = 0.8;
const maxHoldMs = 600_000;

/** What the leases have seen. */
export interface LeaseCounts {
  /** Instances whose lease ended and that were removed. */
  readonly expired: number;
  /** Instances that are listed although their lease has ended. */
  readonly held: number;
}

/**
 * The leases of a store.
 *
 * Shape: when at least 80 % of more than five instances end within 30 s, the fault is taken to be on the way to them
 * or in this process: the rest stays listed for one more of its own lease times (600 s at most), and a heartbeat in
 * that time simply goes on. Instances read from disk and never heard of are not given that benefit.
 */
export class Leases {
  readonly #store: Store;
  readonly #logger: Logger;
  readonly #lost: { readonly atMs: number; readonly count: number }[] = [];
  #expired = 0;
  #held = 0;

  constructor(store: Store, logger: Logger) {
    this.#store = store;
    this.#logger = logger;
  }

  get counts(): LeaseCounts {
    return { expired: this.#expired, held: this.#held };
  }

  /** Ends what is due. Cost: nothing until the earliest known end has come; then one pass over all instances. */
  sweep(): void {
    const nowMs = this.#store.clock.now();
    if (nowMs < this.#store.earliestExpiryMs) return;
    const silent: Silent[] = [];
    const over: Silent[] = [];
    let earliestMs = Infinity;
    let held = 0;
    for (const partition of this.#store.partitions) {
      for (const service of partition.services.values()) {
        for (const instance of service.instances.values()) {
          const { lease } = instance;
          if (lease.heldUntilMs !== undefined) held++;
          const endMs = lease.heldUntilMs ?? lease.expiresAtMs;
          if (endMs > nowMs) earliestMs = Math.min(earliestMs, endMs);
          else if (lease.restored || lease.heldUntilMs !== undefined) {
            over.push({ partition, instance });
          } else silent.push({ partition, instance });
        }
      }
    }
    this.#store.earliestExpiryMs = earliestMs;
    this.#held = held;
    if (this.#isSuspicious(nowMs, silent.length)) this.#hold(nowMs, silent);
    else {
      if (silent.length > 0) this.#lost.push({ atMs: nowMs, count: silent.length });
      over.push(...silent);
    }
    for (const { partition, instance } of over) this.#end(partition, instance);
  }

  #isSuspicious(nowMs: number, silent: number): boolean {
    while (this.#lost[0] && this.#lost[0].atMs <= nowMs - windowMs) this.#lost.shift();
    const removed = this.#lost.reduce((sum, one) => sum + one.count, 0);
    const all = this.#store.instanceCount + removed;
    const missing = removed + this.#held + silent;
    return silent > 0 && all > smallRegistry && missing >= suspiciousShare * all;
  }

  #hold(nowMs: number, silent: readonly Silent[]): void {
    for (const { instance } of silent) {
      const holdMs = Math.min(instance.lease.ttlMs, maxHoldMs);
      instance.lease.heldUntilMs = nowMs + holdMs;
      this.#store.earliestExpiryMs = Math.min(this.#store.earliestExpiryMs, nowMs + holdMs);
    }
    this.#held += silent.length;
    this.#logger.warn(
      "most instances stopped their heartbeats together; they stay listed for one more lease time",
      { held: this.#held, instances: this.#store.instanceCount },
    );
  }

  #end(partition: Partition, instance: InstanceRecord): void {
    if (instance.lease.heldUntilMs !== undefined) this.#held--;
    this.#expired++;
    this.#logger.info("a lease ended without a heartbeat", {
      service: instance.service.serviceName,
      instance: instance.instanceId,
    });
    this.#store.removeInstance(partition, instance);
  }
}

interface Silent {
  readonly partition: Partition;
  readonly instance: InstanceRecord;
}
