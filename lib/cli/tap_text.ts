/** `mesher tap` as lines of text: one for each request. */
import type { TappedView } from "../control/api/shapes/events.ts";
import { latency, shown, timeOfDay } from "./words.ts";

/** What is shown of a request. */
type Item =
  | Pick<
    Extract<TappedView, { readonly at: number }>,
    | "at"
    | "role"
    | "method"
    | "path"
    | "authority"
    | "caller"
    | "status"
    | "code"
    | "durationMs"
    | "attempts"
  >
  | { readonly dropped: number };

export const tapHead = "TIME          DIR  STATUS      TIME  ENDPOINT               REQUEST";

/** Shape: pure; one line, aligned with `tapHead` where texts are of usual lengths. */
export function tapLine(item: Item): string {
  if ("dropped" in item) return `... ${item.dropped} requests came too fast to be shown`;
  const { at, role, method, path, authority, status, code, durationMs, attempts, caller } = item;
  const endpoint = attempts.at(-1)?.endpoint ?? "-";
  const more = attempts.length > 1 ? ` (${attempts.length} attempts)` : "";
  const why = code === undefined ? "" : `  ${code}`;
  // Inbound the host is the own application; who calls is what tells requests apart.
  const from = role === "inbound" && caller !== "" ? `  from ${shown(caller)}` : "";
  return [
    timeOfDay(at, true),
    role === "inbound" ? "in " : "out",
    String(status).padStart(6),
    latency(durationMs).padStart(8),
    shown(endpoint).padEnd(21),
    `${shown(method)} ${shown(authority)}${shown(path)}${from}${why}${more}`,
  ].join("  ");
}
