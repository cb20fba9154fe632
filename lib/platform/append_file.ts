/** A file that lines are appended to, and that may be moved away meanwhile. */
import type { LineSink } from "./line_queue.ts";

/** How often it is looked whether the file is still the one under its name. Units: milliseconds. */
const lookMs = 1000;

/**
 * The end of a file as a sink.
 *
 * Shape: opened with the first write; when somebody has moved or removed the file, as programs that rotate logs do, the
 * next write makes a new one. Errors: what the system says, by `write`; the next write tries again.
 */
export class AppendFile implements LineSink {
  readonly #path: string;
  readonly #now: () => number;
  #file: Deno.FsFile | undefined;
  #lookedAtMs = -Infinity;

  constructor(path: string, now: () => number = () => performance.now()) {
    this.#path = path;
    this.#now = now;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const file = await this.#open();
    try {
      return await file.write(bytes);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async #open(): Promise<Deno.FsFile> {
    const nowMs = this.#now();
    if (this.#file !== undefined && nowMs - this.#lookedAtMs >= lookMs) {
      if (!(await this.#isStillThere(this.#file))) this.close();
    }
    if (this.#file === undefined || nowMs - this.#lookedAtMs >= lookMs) this.#lookedAtMs = nowMs;
    // Whose requests they were is nobody else's business.
    this.#file ??= await Deno.open(this.#path, { append: true, create: true, mode: 0o640 });
    return this.#file;
  }

  async #isStillThere(file: Deno.FsFile): Promise<boolean> {
    try {
      const [open, named] = await Promise.all([file.stat(), Deno.stat(this.#path)]);
      return open.ino === named.ino && open.dev === named.dev;
    } catch {
      return false;
    }
  }

  close(): void {
    try {
      this.#file?.close();
    } catch {
      // Closed already.
    }
    this.#file = undefined;
  }
}
