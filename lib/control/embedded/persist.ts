/** Keeps services, schemas and the last known instances on disk, so that a restart loses nobody. */
import type { Clock, Files, Logger } from "../../core/ports.ts";
import { restoreState, stateText } from "./state_text.ts";
import type { Store } from "./store.ts";

/** Changes come in bursts; one write serves them all, and a large state is written less often. */
const saveAfterMs = 500;
const maxSaveAfterMs = 5_000;
const lengthPerMs = 1_000;
const retryAfterMs = 5_000;

export interface PersistenceOptions {
  readonly store: Store;
  readonly files: Files;
  readonly path: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The state file of a store.
 *
 * Shape: leases are not kept. Every instance in the file gets one full lease time from the start of this process: who
 * lives renews it as if nothing had happened, who is gone ends with it, and no consumer sees an empty list meanwhile.
 */
export class Persistence {
  readonly #options: PersistenceOptions;
  #dirty = false;
  #wake: () => void = () => {};
  #saveError: string | undefined;
  /** Of the text written last. */
  #length = 0;

  constructor(options: PersistenceOptions) {
    this.#options = options;
  }

  /** Why the last write failed. Shape: undefined when it did not. */
  get saveError(): string | undefined {
    return this.#saveError;
  }

  /** Reads the file into the store. A damaged file is set aside and reported; it never stops the registry. */
  async load(): Promise<void> {
    const { store, files, path, logger } = this.#options;
    try {
      const text = await files.read(path);
      if (text !== undefined && !this.#restore(text)) {
        await files.setAside(path, ".damaged");
      }
    } catch (error) {
      logger.error("the state of the registry cannot be read; it starts without it", {
        path,
        error,
      });
    }
    store.listen({
      changed: () => {
        this.#dirty = true;
        this.#wake();
      },
    });
  }

  /** Writes the file a moment after each change. Settles when `signal` aborts. */
  async saveUntil(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      await this.#changed(signal);
      const waitMs = Math.min(maxSaveAfterMs, saveAfterMs + this.#length / lengthPerMs);
      await clock.sleep(waitMs, signal);
      if (signal.aborted) return;
      await this.flush();
      if (this.#dirty) await clock.sleep(retryAfterMs, signal);
    }
  }

  /** Writes now what is not written yet. Never rejects. */
  async flush(): Promise<void> {
    if (!this.#dirty) return;
    this.#dirty = false;
    const { files, path, logger, store } = this.#options;
    try {
      const text = stateText(store);
      this.#length = text.length;
      await files.replace(path, text);
      if (this.#saveError !== undefined) logger.info("the state of the registry is saved again");
      this.#saveError = undefined;
    } catch (error) {
      this.#dirty = true;
      const reason = error instanceof Error ? error.message : String(error);
      if (this.#saveError === undefined) {
        logger.warn("the state of the registry cannot be saved; a restart would lose changes", {
          path,
          reason,
        });
      }
      this.#saveError = reason;
    }
  }

  #changed(signal: AbortSignal): Promise<void> {
    if (this.#dirty || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener("abort", wake);
        this.#wake = () => {};
        resolve();
      };
      this.#wake = wake;
      signal.addEventListener("abort", wake);
    });
  }

  /** False when the text makes no sense as a whole. Single bad records are left out and counted. */
  #restore(text: string): boolean {
    const { store, path, logger } = this.#options;
    let left: number;
    try {
      left = restoreState(store, text);
    } catch (error) {
      logger.error("the state file of the registry is damaged; it is set aside", {
        path,
        reason: error instanceof Error ? error.message : String(error),
      });
      return false;
    }
    if (left > 0) {
      logger.warn("parts of the registry's state make no sense and were left out", { path, left });
    }
    return true;
  }
}
