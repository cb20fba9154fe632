/** Leaving the mesh in order: peers are told, calls stop coming, open requests end. */
import type { Clock } from "../core/ports.ts";
import type { Config } from "../config/schema.ts";
import { blockBase, blocks, slot } from "../plane/counters.ts";
import type { ThreadMessage } from "../plane/messages.ts";
import type { OwnInstance } from "./own_instance.ts";

export interface DrainMeans {
  /** To every data thread. */
  readonly post: (message: ThreadMessage) => void;
  /** Sum of a slot over all threads. */
  readonly counter: (slot: number) => number;
  /** The time allowed, read again each step: who has no application left to drain cuts it short. */
  readonly allowed: () => Config["drain"];
  readonly clock: Clock;
}

const stepMs = 50;
/** Calls have stopped coming when none came for so long. Units: milliseconds. */
const quietMs = 500;

/** Happens once: whoever asks again waits for the same end. */
export class Drain {
  readonly #means: DrainMeans;
  #inbound: Promise<void> | undefined;

  constructor(means: DrainMeans) {
    this.#means = means;
  }

  get begun(): boolean {
    return this.#inbound !== undefined;
  }

  /**
   * Deregisters the application, tells peers, and waits until they have stopped calling and open requests have ended.
   *
   * Shape: without an application nothing is waited for.
   */
  inbound(own: OwnInstance | undefined): Promise<void> {
    return this.#inbound ??= own === undefined ? Promise.resolve() : drainInbound(own, this.#means);
  }

  /** Takes no more calls of the own application and waits until requests of every kind have ended. */
  async outbound(ofBlocks: readonly number[]): Promise<void> {
    this.#means.post({ kind: "drain", phase: "close_outbound" });
    await untilIdle(ofBlocks, this.#means);
  }
}

async function drainInbound(own: OwnInstance, means: DrainMeans): Promise<void> {
  await own.poller.close();
  await own.registration?.stop();
  means.post({ kind: "drain", phase: "announce" });
  await untilQuiet(means);
  means.post({ kind: "drain", phase: "close_inbound" });
  await untilIdle([blocks.inbound], means);
}

async function untilQuiet({ counter, allowed, clock }: DrainMeans): Promise<void> {
  const read = () => counter(blockBase(blocks.inbound) + slot.requests);
  const startMs = clock.now();
  const within = (ms: number, sinceMs: number) =>
    clock.now() - sinceMs < Math.min(ms, allowed().announceMs);
  let seen = read();
  let quietSinceMs = startMs;
  while (within(Infinity, startMs) && within(quietMs, quietSinceMs)) {
    await clock.sleep(stepMs);
    const requests = read();
    if (requests !== seen) quietSinceMs = clock.now();
    seen = requests;
  }
}

async function untilIdle(
  ofBlocks: readonly number[],
  { counter, allowed, clock }: DrainMeans,
): Promise<void> {
  const startMs = clock.now();
  const open = () => ofBlocks.some((block) => counter(blockBase(block) + slot.open) > 0);
  while (open() && clock.now() - startMs < allowed().finishMs) await clock.sleep(stepMs);
}
