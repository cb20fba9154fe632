/** What was made of a text before: the same few texts come again and again, such as a service's name. */

/** Texts that are kept. Callers may write anything, so that there is no end of them. */
const maxKept = 500;
const maxLength = 200;

/** Remembers what is made of texts. */
export class Known<Made> {
  readonly #make: (text: string) => Made;
  readonly #made = new Map<string, Made>();

  constructor(make: (text: string) => Made) {
    this.#make = make;
  }

  /** Shape: what `make` makes of it. */
  of(text: string): Made {
    const known = this.#made.get(text);
    if (known !== undefined) return known;
    const made = this.#make(text);
    if (text.length > maxLength) return made;
    if (this.#made.size >= maxKept) this.#made.clear();
    this.#made.set(text, made);
    return made;
  }
}

/** Remembers what is made of named values. Shape: the names are few. */
export class KnownOf<Made> {
  readonly #make: (name: string, value: string) => Made;
  readonly #byName = new Map<string, Known<Made>>();

  constructor(make: (name: string, value: string) => Made) {
    this.#make = make;
  }

  /** Shape: what `make` makes of both. */
  of(name: string, value: string): Made {
    let known = this.#byName.get(name);
    if (known === undefined) {
      known = new Known((value) => this.#make(name, value));
      this.#byName.set(name, known);
    }
    return known.of(value);
  }
}
