/** `mesher tap`: requests of the running sidecar as they end, until Ctrl-C, the sidecar's end or a limit. */
import { tapped } from "../control/api/shapes/events.ts";
import { onSignals } from "../platform/signals.ts";
import { AskError, readAsking, withAnswers } from "./admin_client.ts";
import { understood } from "./answers.ts";
import { exit, type Io } from "./io.ts";
import { tapHead, tapLine } from "./tap_text.ts";

/** Filters that have a flag of the same name. */
const filters = ["method", "path", "status", "role"] as const;

/** A line longer than this is none that a sidecar sends. */
const maxLine = 1024 * 1024;

/** Shape: 0 when it ended as it should, 2 when nobody could be asked. */
export async function runTap(io: Io): Promise<number> {
  const own = { switches: ["failures"], values: [...filters, "limit", "seconds"] };
  const asking = await readAsking(io, own, { filters: ["service"] });
  if (asking === undefined) return exit.usage;
  const { admin, parsed } = asking;
  const service = parsed.flags["service"];
  const wanted = readTap({ ...parsed.own, ...(service === undefined ? {} : { service }) });
  const mistake = parsed.rest.length > 0
    ? `tap takes only flags, not ${parsed.rest.join(" ")}`
    : "mistake" in wanted
    ? wanted.mistake
    : undefined;
  if (mistake !== undefined || "mistake" in wanted) {
    io.stderr(`mesher: ${mistake}\n`);
    return exit.usage;
  }
  return await withAnswers(io, () =>
    listen(io, (signal) => admin.open(wanted.path, signal), {
      ...wanted,
      json: parsed.own["json"] === "true",
    }));
}

/** What is asked for and when it is enough. */
export interface TapWish {
  /** Of the admin API, with its query. */
  readonly path: string;
  readonly limit: number;
  /** Units: seconds. */
  readonly seconds: number;
}

/** Reads the flags. Shape: pure; the mistake as a sentence, where there is one. */
export function readTap(
  flags: Readonly<Record<string, string>>,
): TapWish | { readonly mistake: string } {
  const query = new URLSearchParams();
  for (const name of ["service", ...filters]) {
    const value = flags[name];
    if (value === undefined) continue;
    if (name === "status") {
      // Written 5xx as everywhere, asked for as 5.
      const status = /^([1-5])xx$/i.exec(value)?.[1] ?? value;
      if (!/^[1-5](?:\d\d)?$/.test(status)) {
        return {
          mistake: `--status ${value} is neither a status such as 503 nor a class such as 5xx`,
        };
      }
      query.set("status", status);
    } else if (name === "path") {
      if (!value.startsWith("/")) return { mistake: `--path ${value} has to begin with /` };
      query.set("path_prefix", value);
    } else if (name === "role" && value !== "outbound" && value !== "inbound") {
      return { mistake: `--role ${value} is neither outbound nor inbound` };
    } else query.set(name, value);
  }
  if (flags["failures"] === "true") query.set("failures", "true");
  const limit = number(flags["limit"]);
  const seconds = number(flags["seconds"]);
  if (limit === undefined) return { mistake: `--limit ${flags["limit"]} is no number above 0` };
  if (seconds === undefined) {
    return { mistake: `--seconds ${flags["seconds"]} is no number above 0` };
  }
  return { path: `/tap${query.size > 0 ? `?${query}` : ""}`, limit, seconds };
}

/** Shape: Infinity when nothing is said, undefined when it is no number. */
function number(text: string | undefined): number | undefined {
  if (text === undefined) return Infinity;
  const value = Number(text);
  return text.trim() !== "" && value > 0 && value < 1e6 ? value : undefined;
}

/** Prints what comes until it is enough. */
async function listen(
  io: Io,
  open: (signal: AbortSignal) => Promise<AsyncGenerator<string>>,
  { limit, seconds, json }: TapWish & { readonly json: boolean },
): Promise<number> {
  const enough = new AbortController();
  const end = () => enough.abort();
  const endSignals = onSignals({ SIGINT: end, SIGTERM: end });
  const timer = Number.isFinite(seconds) ? setTimeout(end, seconds * 1000) : undefined;
  let shown = 0;
  try {
    const lines = linesOf(await open(enough.signal));
    if (!json) io.stderr(`${tapHead}\n`);
    for await (const line of lines) {
      const item = understood(tapped, parsed(line));
      io.stdout(json ? `${line}\n` : `${tapLine(item)}\n`);
      if (!("dropped" in item) && ++shown >= limit) return exit.ok;
    }
    io.stderr("mesher: the sidecar has ended\n");
    return exit.ok;
  } catch (error) {
    if (enough.signal.aborted || isGone(error)) return exit.ok;
    if (!isCut(error)) throw error;
    io.stderr("mesher: the sidecar has ended\n");
    return exit.ok;
  } finally {
    clearTimeout(timer);
    enough.abort();
    endSignals();
  }
}

/** Errors: AskError. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new AskError("what came is not a line of a sidecar's tap");
  }
}

/** Whoever read the lines has had enough of them. */
function isGone(error: unknown): boolean {
  return error instanceof Error && error.name === "BrokenPipe";
}

function isCut(error: unknown): boolean {
  return error instanceof Error &&
    /^(?:ConnectionReset|ConnectionAborted|UnexpectedEof)$/.test(error.name);
}

/** The whole lines of a text that comes in pieces. Shape: what is left without an end of line is thrown away. */
export async function* linesOf(texts: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of texts) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    if (rest.length > maxLine) rest = "";
    for (const line of lines) if (line !== "") yield line;
  }
}
