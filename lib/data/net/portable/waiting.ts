/** Who waits for a socket: at most one reader and one writer, parked without an allocation but their promises. */

export class Waiting {
  #reader: (() => void) | undefined;
  #writer: (() => void) | undefined;

  /** Resolves when the reader is woken. */
  reader(): Promise<void> {
    return new Promise(this.#parkReader);
  }

  /** Resolves when the writer is woken. */
  writer(): Promise<void> {
    return new Promise(this.#parkWriter);
  }

  readonly #parkReader = (resolve: () => void): void => {
    this.#reader = resolve;
  };

  readonly #parkWriter = (resolve: () => void): void => {
    this.#writer = resolve;
  };

  wakeReader(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    this.#reader = undefined;
    reader();
  }

  wakeWriter(): void {
    const writer = this.#writer;
    if (writer === undefined) return;
    this.#writer = undefined;
    writer();
  }

  wake(): void {
    this.wakeReader();
    this.wakeWriter();
  }
}
