/** Who depends on whom: which consumer has asked for which names. Watch events follow these pairs. */

// A consumer that asks for ever new names must not fill the memory; what is beyond this is answered but not remembered.
const maxNamesPerConsumer = 5_000;

/** The pairs of one tenant and project. A consumer is a service id, a provider a name with all its versions. */
export class Pairs {
  readonly #namesOf = new Map<string, Set<string>>();
  readonly #consumersOf = new Map<string, Set<string>>();

  /** Remembers that a consumer asked for a name. True when that was not known before. */
  add(consumerId: string, name: string): boolean {
    const names = this.#namesOf.get(consumerId) ?? new Set();
    if (names.has(name) || names.size >= maxNamesPerConsumer) return false;
    names.add(name);
    this.#namesOf.set(consumerId, names);
    const consumers = this.#consumersOf.get(name) ?? new Set();
    consumers.add(consumerId);
    this.#consumersOf.set(name, consumers);
    return true;
  }

  /** Forgets a consumer with all it asked for. */
  removeConsumer(consumerId: string): void {
    for (const name of this.namesOf(consumerId)) {
      const consumers = this.#consumersOf.get(name);
      consumers?.delete(consumerId);
      if (consumers?.size === 0) this.#consumersOf.delete(name);
    }
    this.#namesOf.delete(consumerId);
  }

  namesOf(consumerId: string): ReadonlySet<string> {
    return this.#namesOf.get(consumerId) ?? nobody;
  }

  consumersOf(name: string): ReadonlySet<string> {
    return this.#consumersOf.get(name) ?? nobody;
  }
}

const nobody: ReadonlySet<string> = new Set();
