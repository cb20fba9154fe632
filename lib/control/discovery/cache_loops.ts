/** The loops of the discovery cache that concern the registry as a whole: looking for it, and watching it. */
import { backoffMs } from "../../core/backoff.ts";
import type { Clock, Logger, Random } from "../../core/ports.ts";
import type { Watch } from "../registry/registry.ts";
import type { Wakeup } from "../registry/wakeup.ts";
import type { RegistryContact } from "./contact.ts";

const contactBackoff = { baseMs: 1_000, maxMs: 10_000 } as const;
/** While the registry answers, whether it still does is looked at this often without being woken. */
const idleMs = 60_000;
/** A watch that lasted so long did not fail at its start. */
const longWatchMs = 60_000;

export interface ContactLoop {
  readonly contact: RegistryContact;
  /** Woken when the contact was lost. */
  readonly wakeup: Wakeup;
  /** One call to the registry. Errors: those of the registry. */
  readonly ask: () => Promise<void>;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** While the registry is silent, asks it again and again, ever more slowly. */
export async function keepContact(
  { contact, wakeup, ask, random, signal }: ContactLoop,
): Promise<void> {
  let attempt = 0;
  while (!signal.aborted) {
    if (contact.state.reachable) {
      attempt = 0;
      await wakeup.sleep(idleMs);
      continue;
    }
    try {
      await ask();
      contact.succeeded();
    } catch (error) {
      if (signal.aborted) return;
      contact.failed(error);
      await wakeup.sleep(backoffMs(contactBackoff, ++attempt, random()));
    }
  }
}

export interface WatchLoop {
  readonly watch: Watch | undefined;
  /** A service name, or undefined when anything may have changed. */
  readonly changed: (name: string | undefined) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Begins a watch again whenever it ends, with pauses. */
export async function keepWatch(
  { watch, changed, clock, random, logger, signal }: WatchLoop,
): Promise<void> {
  for (let attempt = 1; watch && !signal.aborted; attempt++) {
    const beganMs = clock.now();
    try {
      await watch.watch(changed, signal);
    } catch (error) {
      logger.debug(`the watch of the registry ended: ${error}`);
    }
    if (clock.now() - beganMs > longWatchMs) attempt = 1;
    await clock.sleep(backoffMs(contactBackoff, attempt, random()), signal);
  }
}
