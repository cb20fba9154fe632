/** The signals that tell a command to end, heard from its first moment on. */
import { onSignals } from "../platform/signals.ts";

export type EndSignal = "SIGTERM" | "SIGINT";

/** What a shell adds to 128 for a program that a signal ended. */
const numbers: Readonly<Record<EndSignal, number>> = { SIGINT: 2, SIGTERM: 15 };

/** The exit code of a program that the signal ended. */
export function signalExitCode(name: EndSignal): number {
  return 128 + numbers[name];
}

/**
 * Listens to SIGTERM and SIGINT.
 *
 * It has to begin before anything else: the first process of a container loses a signal that it has no handler for.
 */
export class EndSignals {
  /** The first one, once it has come. */
  first: EndSignal | undefined;
  readonly #stop: () => void;
  readonly #told = Promise.withResolvers<EndSignal>();
  readonly #again = Promise.withResolvers<EndSignal>();
  #listener: ((name: EndSignal, count: number) => void) | undefined;
  #count = 0;

  constructor() {
    this.#stop = onSignals({
      SIGTERM: () => this.#tell("SIGTERM"),
      SIGINT: () => this.#tell("SIGINT"),
    });
  }

  #tell(name: EndSignal): void {
    this.#count++;
    this.first ??= name;
    if (this.#count === 1) this.#told.resolve(name);
    else this.#again.resolve(name);
    this.#listener?.(name, this.#count);
  }

  /** Resolves with the first one. */
  get told(): Promise<EndSignal> {
    return this.#told.promise;
  }

  /** Resolves with the second one. */
  get again(): Promise<EndSignal> {
    return this.#again.promise;
  }

  /** Tells every one from now on, with its number counted from 1. */
  listen(listener: (name: EndSignal, count: number) => void): void {
    this.#listener = listener;
  }

  stop(): void {
    this.#stop();
  }
}
