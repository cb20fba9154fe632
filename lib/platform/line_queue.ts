/** Lines on their way to a file or a pipe: written beside the work, with a bound on those that wait. */
import { TextBytes } from "../core/text_bytes.ts";

/** Where the lines go. Shape: resolves with the number of bytes taken, like a Deno writer. */
export interface LineSink {
  write(bytes: Uint8Array): Promise<number>;
}

export interface LineQueueOptions {
  readonly sink: LineSink;
  /** Lines beyond this many waiting bytes are dropped and counted. */
  readonly maxWaitingBytes?: number;
  /** The sink moves again after lines were dropped. Shape: a line that says so, if there is to be one. */
  readonly caughtUp?: (dropped: number) => string | undefined;
  /** The sink failed; called once until it works again. */
  readonly failed?: (error: unknown) => void;
}

/**
 * A queue of lines.
 *
 * Shape: nothing here ever throws or waits. While the sink is stuck the queue fills up to its bound and further lines
 * are dropped; when it fails the lines that wait are lost and the next ones try again.
 */
export class LineQueue {
  readonly #options: LineQueueOptions;
  readonly #maxWaitingBytes: number;
  readonly #waiting = new TextBytes();
  #waitingLines = 0;
  /** Of the batch that is being written. */
  #writingBytes = 0;
  #dropped = 0;
  /** Dropped since the sink last caught up. */
  #droppedNow = 0;
  #broken = false;
  #writing: Promise<void> | undefined;

  constructor(options: LineQueueOptions) {
    this.#options = options;
    this.#maxWaitingBytes = options.maxWaitingBytes ?? 1024 * 1024;
  }

  /** Lines that were not written, since the beginning. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes a line without its end. Shape: `make` is called only where there is room for its line. */
  push(make: () => string): void {
    if (this.#waiting.length + this.#writingBytes >= this.#maxWaitingBytes) {
      this.#dropped++;
      this.#droppedNow++;
      return;
    }
    this.#enqueue(make());
    this.#writing ??= this.#drain();
  }

  #enqueue(line: string): void {
    this.#waiting.append(line + "\n");
    this.#waitingLines++;
  }

  async #drain(): Promise<void> {
    const { sink, caughtUp, failed } = this.#options;
    let underWay = 0;
    // Lines of one turn are written together; and `#writing` is set before this can end.
    await null;
    try {
      while (this.#waiting.length > 0) {
        const batch = this.#waiting.take();
        this.#writingBytes = batch.length;
        underWay = this.#waitingLines;
        this.#waitingLines = 0;
        for (let at = 0; at < batch.length;) at += await sink.write(batch.subarray(at));
        underWay = 0;
        this.#writingBytes = 0;
        this.#broken = false;
        if (this.#droppedNow > 0 && this.#waiting.length === 0) {
          const line = caughtUp?.(this.#droppedNow);
          this.#droppedNow = 0;
          if (line !== undefined) this.#enqueue(line);
        }
      }
    } catch (error) {
      this.#dropped += underWay + this.#waitingLines;
      this.#waiting.take();
      this.#waitingLines = this.#writingBytes = 0;
      if (!this.#broken) failed?.(error);
      this.#broken = true;
    } finally {
      this.#writing = undefined;
    }
  }

  /** Waits for what is queued, at most so long. */
  async flush(timeoutMs: number): Promise<void> {
    if (!this.#writing) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => timer = setTimeout(resolve, timeoutMs));
    await Promise.race([this.#writing, late]);
    clearTimeout(timer);
  }
}
