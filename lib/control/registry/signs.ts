/** Signs that a registry was away or has lost records, gathered from all parts of one backend. */
import type { Clock } from "../../core/ports.ts";
import type { RegistrySign } from "./registry.ts";

/**
 * Named by the embedded registry in every answer, another one for every process that serves it: a registry that is
 * taken over or restarted between two calls would show it by nothing else.
 */
const epochHeader = "X-Registry-Epoch";

export class RegistrySigns {
  readonly #clock: Clock;
  /** Address to who answered there last. */
  readonly #answerers = new Map<string, string>();
  #silentAtMs: number | undefined;
  #last: RegistrySign | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The newest sign of either kind. */
  get last(): RegistrySign | undefined {
    return this.#last;
  }

  /** When it last gave no answer. */
  get silentAtMs(): number | undefined {
    return this.#silentAtMs;
  }

  /** No address answered, or a connection that was kept open broke. */
  silent(why: string): void {
    this.#silentAtMs = this.#clock.now();
    this.forgot(why);
  }

  /** It answers, but has lost what it was told, or may have. */
  forgot(why: string): void {
    this.#last = { atMs: this.#clock.now(), why };
  }

  /** The head of an answer says who gave it; another one than before may know less. */
  answered(address: string, headers: Headers): void {
    const program = headers.get("Server") ?? "";
    const epoch = headers.get(epochHeader) ?? "";
    // Something between here and the registry answers for it now and then, which says nothing about the registry.
    if (!program.startsWith("SERVICECENTER/") && epoch === "") return;
    const who = `${program} ${epoch}`;
    const before = this.#answerers.get(address);
    this.#answerers.set(address, who);
    if (before !== undefined && before !== who) this.forgot(`${address} is another registry`);
  }
}
