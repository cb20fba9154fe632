/** Watches the configuration file by its content, so that no way of saving a file goes unseen. */
import type { Clock } from "../core/ports.ts";
import type { LoadedFile, LoadResult } from "./load.ts";

export interface WatchOptions {
  /** The file as it was loaded, so that a change made since then counts. */
  readonly file: LoadedFile;
  readonly clock: Pick<Clock, "sleep">;
  /** Undefined or a rejection when the file cannot be read. */
  readonly readFile: (path: string) => Promise<string | undefined>;
  /** Loads the configuration with this text as the file. */
  readonly reload: (text: string) => Promise<LoadResult>;
  /** Gets every new result, good or bad; the old configuration stays when it is bad. */
  readonly changed: (result: LoadResult) => void;
  readonly signal: AbortSignal;
  readonly intervalMs?: number;
  /** How long a new text has to stay the same before it is believed. */
  readonly settleMs?: number;
}

/** A file that is being renamed is away for a moment; one away for so many looks is gone. */
const looksUntilGone = 3;

/**
 * Looks at the file until the signal aborts.
 *
 * A text is believed only when two readings in a row agree: a file that is being written is empty for a moment,
 * and an empty file is a valid one with all defaults. Errors: what `reload` and `changed` throw.
 */
export async function watchConfig(options: WatchOptions): Promise<void> {
  const { clock, signal, intervalMs = 1000, settleMs = 100 } = options;
  const path = options.file.path;
  let known: string | undefined = options.file.text;
  let looksWithout = 0;

  const look = () => options.readFile(path).catch(() => undefined);
  while (true) {
    await clock.sleep(intervalMs, signal);
    if (signal.aborted) return;
    let text = await look();
    while (text !== undefined && text !== known) {
      await clock.sleep(settleMs, signal);
      if (signal.aborted) return;
      const again = await look();
      if (again === text) break;
      text = again;
    }
    if (signal.aborted) return;
    if (text === undefined) {
      looksWithout++;
      if (looksWithout !== looksUntilGone) continue;
      // Forgotten, so that the same text coming back is news and ends the complaint.
      known = undefined;
      const expectation = "has gone or cannot be read; the last configuration stays in force";
      options.changed({ ok: false, problems: [{ path, expectation, source: path }] });
      continue;
    }
    looksWithout = 0;
    if (text === known) continue;
    known = text;
    const result = await options.reload(text);
    if (!signal.aborted) options.changed(result);
  }
}
