/** Names that applications asked for lately and that are not spelled as a service is: for whoever looks for why. */
import type { Resolution } from "../../plane/messages.ts";

export interface AskedName {
  readonly name: string;
  /** As it was answered last. A name with a dot that is a host outside is nothing to keep. */
  readonly answer: Extract<Resolution, { kind: "service" | "ambiguous" | "unknown" }>;
  /** Monotonic. Units: milliseconds. */
  readonly atMs: number;
}

/** Callers that invent names make no more be kept. */
const kept = 100;

export class AskedNames {
  /** The oldest first. */
  readonly #names = new Map<string, AskedName>();

  /** Takes what a name was found to be. */
  saw(name: string, answer: Resolution, atMs: number): void {
    const was = this.#names.delete(name);
    if (answer.kind !== "service" && answer.kind !== "ambiguous" && answer.kind !== "unknown") {
      return;
    }
    if (answer.kind === "service" && answer.service === name) return;
    if (!was && this.#names.size >= kept) this.#names.delete(this.#names.keys().next().value!);
    this.#names.set(name, { name, answer, atMs });
  }

  /** Shape: those since the moment, newest first. */
  since(atMs: number): readonly AskedName[] {
    return [...this.#names.values()].filter((one) => one.atMs >= atMs).reverse();
  }
}
