/** `mesher top`: the services of the running sidecar by what is called most, anew every few seconds. */
import { onSignals } from "../platform/signals.ts";
import { realClock } from "../platform/real_clock.ts";
import { standardOutputIsTerminal } from "../platform/host.ts";
import { readAsking, withAnswers } from "./admin_client.ts";
import { exit, type Io } from "./io.ts";
import { askStatus, readStatus } from "./status.ts";
import { topLines } from "./top_text.ts";

/** Moves to the first place and clears what is below. */
const clear = "\x1b[H\x1b[J";

/** Shape: 0 when told to end, 2 when nobody could be asked. */
export async function runTop(io: Io): Promise<number> {
  const asking = await readAsking(io, { values: ["seconds", "count"] });
  if (asking === undefined) return exit.usage;
  const { admin, parsed: { own, rest } } = asking;
  const seconds = Number(own["seconds"] ?? 2);
  const count = Number(own["count"] ?? Infinity);
  if (rest.length > 0 || !(seconds >= 0.1 && seconds < 1e6) || !(count >= 1)) {
    io.stderr("mesher: top takes --seconds N (0.1 or more), --count N, --json\n");
    return exit.usage;
  }
  const ended = new AbortController();
  const endSignals = onSignals({ SIGINT: () => ended.abort(), SIGTERM: () => ended.abort() });
  try {
    return await withAnswers(io, async () => {
      const terminal = standardOutputIsTerminal();
      for (let frame = 1; !ended.signal.aborted; frame++) {
        const raw = await askStatus(admin);
        if (own["json"] === "true") io.stdout(`${JSON.stringify(raw)}\n`);
        else {
          const text = topLines(await readStatus(raw)).join("\n");
          io.stdout(terminal ? `${clear}${text}\n` : `${text}\n\n`);
        }
        if (frame >= count) break;
        await realClock.sleep(seconds * 1000, ended.signal);
      }
      return exit.ok;
    });
  } catch (error) {
    // Whoever read it has had enough.
    if (error instanceof Error && error.name === "BrokenPipe") return exit.ok;
    throw error;
  } finally {
    endSignals();
  }
}
