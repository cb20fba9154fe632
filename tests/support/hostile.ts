/** Texts and records that would break whatever is written without care, at random. */
import type { RequestRecord } from "../../lib/plane/observe.ts";
import { attempt, record, spanId, traceId } from "./records.ts";
import type { Seeded } from "./seeded.ts";

const pieces = [
  ...['"', "\\", "/", "\n", "\r", "\t", "\b", "\f", "\0", "\u001f", "\u007f", "\u0085", "\u00a0"],
  ...[
    "\u2028",
    "\u2029",
    "\ufeff",
    "\uffff",
    "\ud83d\ude00",
    "é",
    "中",
    "\\u0022",
    "\\\\",
    "%",
    "a",
    "Z9",
  ],
  ...["{", "}", "[", "]", ",", ":", '","', '"},{"', "null", "__proto__", " ", "", "a".repeat(300)],
];

/** Shape: half a pair of UTF-16 is in it only where that is asked for. */
export function hostileText(random: Seeded, halves = false): string {
  const from = halves ? [...pieces, "\ud800", "\udfff"] : pieces;
  return Array.from({ length: random.below(6) }, () => random.of(from)).join("");
}

/** Shape: identifiers of traces are what they are; everything that comes from outside is hostile. */
export function hostileRecord(random: Seeded): RequestRecord {
  const text = () => hostileText(random, true);
  const maybe = <Parts>(parts: Parts): Partial<Parts> => random.below(2) === 0 ? parts : {};
  return record({
    at: 1_700_000_000_000 + random.below(1e9) + random.below(1000) / 1000,
    role: random.of(["inbound", "outbound"] as const),
    method: random.below(3) === 0 ? text() : "GET",
    path: text(),
    authority: text(),
    service: text(),
    caller: text(),
    client: text(),
    status: random.of([200, 404, 499, 503]),
    ...maybe({ route: text() }),
    ...maybe({ code: "reset" as const, detail: text() }),
    durationMs: random.below(1e7) / 1000,
    ownMs: random.below(1e5) / 1000,
    trace: {
      traceId,
      spanId,
      ...maybe({ parentId: "00f067aa0ba902b7" }),
      ...maybe({ state: text() }),
    },
    attempts: Array.from({ length: random.below(3) }, (_, index) =>
      attempt({
        endpoint: text(),
        startMs: random.below(1000) / 1000,
        endMs: 1 + random.below(1000) / 1000,
        spanId: `${index + 1}`.repeat(16),
        ...maybe({ code: "connect_refused" as const }),
      })),
    taps: random.below(2) === 0 ? [] : [random.below(9), 7],
  });
}
