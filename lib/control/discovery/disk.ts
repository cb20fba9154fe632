/** The discovery snapshot on disk: what a restarted sidecar serves while the registry does not answer. */
import type { Clock, Files, Logger } from "../../core/ports.ts";
import { Wakeup } from "../registry/wakeup.ts";
import type { EarlierSet } from "./cache_options.ts";
import {
  decodeSnapshot,
  encodeSnapshot,
  type SnapshotScope,
  type StoredSet,
} from "./disk_format.ts";

export interface DiskOptions {
  readonly path: string;
  readonly files: Files;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whose sets these are; those of another registry or application are not used. */
  readonly scope: SnapshotScope;
  /** The sets to write, asked for at the time of writing. */
  readonly read: () => readonly EarlierSet[];
  /** Sets that the registry has not confirmed for so long are forgotten. Units: milliseconds. */
  readonly maxAgeMs?: number;
  /** Changes within this time are written together. Units: milliseconds. */
  readonly debounceMs?: number;
}

const day = 86_400_000;
/** The file is written now and then without a change as well, or a quiet service would look forgotten. */
const renewMs = 600_000;

export class DiskSnapshot {
  readonly #options: DiskOptions;
  readonly #stop = new AbortController();
  readonly #wakeup: Wakeup;
  #dirty = false;
  #failing = false;
  #loop: Promise<void> | undefined;

  constructor(options: DiskOptions) {
    this.#options = options;
    this.#wakeup = new Wakeup(options.clock, this.#stop.signal);
  }

  /**
   * The sets of an earlier life, with their age by the wall clock.
   *
   * Shape: empty when there is no usable file; a damaged one is moved aside. An age below zero, after the clock was
   * set back, counts as zero. Errors: none.
   */
  async load(): Promise<readonly EarlierSet[]> {
    const { files, path, clock, logger, scope, maxAgeMs = day } = this.#options;
    let text: string | undefined;
    try {
      text = await files.read(path);
    } catch (error) {
      logger.warn(`the discovery snapshot ${path} cannot be read: ${wordsOf(error)}`);
      return [];
    }
    if (text === undefined) return [];
    const decoded = await decodeSnapshot(text);
    if (decoded.kind === "damaged") {
      logger.warn(`the discovery snapshot ${path} is not used: ${decoded.why}; it is set aside`);
      await this.#setAside();
      return [];
    }
    if (
      decoded.scope.registry !== scope.registry || decoded.scope.app !== scope.app ||
      decoded.scope.environment !== scope.environment
    ) {
      logger.info(`the discovery snapshot ${path} is of another registry or application, not used`);
      return [];
    }
    const wallMs = clock.wall();
    return decoded.sets
      .map(({ service, instances, confirmedAt }) => ({
        service,
        instances,
        ageMs: Math.max(0, wallMs - confirmedAt),
      }))
      .filter((set) => set.ageMs <= maxAgeMs);
  }

  /** Begins to write what `changed` announces. */
  start(): void {
    this.#loop ??= this.#run();
  }

  /** Something is worth writing. */
  changed(): void {
    if (this.#dirty) return;
    this.#dirty = true;
    this.#wakeup.wake();
  }

  /** Writes what is still unwritten and ends. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    if (this.#dirty) await this.#write();
  }

  async #run(): Promise<void> {
    const { debounceMs = 1_000 } = this.#options;
    while (!this.#stop.signal.aborted) {
      if (!this.#dirty) await this.#wakeup.sleep(renewMs);
      // Other changes wake nobody while this one waits, since it is dirty already.
      if (this.#dirty) await this.#wakeup.sleep(debounceMs);
      if (this.#stop.signal.aborted) return;
      if (this.#dirty || this.#options.read().length > 0) await this.#write();
    }
  }

  async #write(): Promise<void> {
    const { files, path, clock, logger, scope, read } = this.#options;
    this.#dirty = false;
    const wallMs = clock.wall();
    const sets: readonly StoredSet[] = read().map(({ service, instances, ageMs }) => ({
      service,
      instances,
      confirmedAt: Math.round(wallMs - ageMs),
    }));
    try {
      await files.replace(path, await encodeSnapshot({ scope, savedAt: wallMs, sets }));
      if (this.#failing) logger.info(`the discovery snapshot ${path} can be written again`);
      this.#failing = false;
    } catch (error) {
      // Once and not with every change: a full disk stays full for a while.
      if (!this.#failing) {
        logger.warn(`the discovery snapshot ${path} cannot be written: ${wordsOf(error)}`);
      }
      this.#failing = true;
    }
  }

  async #setAside(): Promise<void> {
    const { files, path, logger } = this.#options;
    try {
      await files.setAside(path, ".damaged");
    } catch (error) {
      logger.warn(`${path} could not be set aside: ${wordsOf(error)}`);
    }
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
