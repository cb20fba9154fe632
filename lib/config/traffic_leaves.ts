/** Leaves that only traffic policies need: shares, rates, keys of requests, header fields, regular expressions. */
import { isOwnField } from "../core/own_fields.ts";
import { PatternError } from "../core/pattern/cursor.ts";
import { compilePattern } from "../core/pattern/pattern.ts";
import type { TrafficKey } from "../core/traffic.ts";
import { leaf, Refusal } from "./leaf.ts";
import { text, wholeNumber } from "./values.ts";

/** A number with a fraction, from YAML or from the text of a variable. */
function decimal(value: unknown): number | undefined {
  const isText = typeof value === "string" && /^\d{1,15}(?:\.\d{1,9})?$/.test(value);
  const number = isText ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

function decimalLeaf(what: string, fits: (number: number) => boolean) {
  return leaf<number>({
    read: (value) => {
      const number = decimal(value);
      return number !== undefined && fits(number) ? number : new Refusal(`is not ${what}`);
    },
    write: (number) => number,
  });
}

/** Units: percent, fractions allowed. */
export function percentage(fallback: number) {
  return decimalLeaf("a percentage from 0 to 100", (number) => number >= 0 && number <= 100)
    .prefault(fallback);
}

/** Units: per second. Small rates are fractions: 0.1 is six a minute. */
export function perSecond() {
  return decimalLeaf(
    "a rate per second from 0.001 to 1000000",
    (number) => number >= 0.001 && number <= 1_000_000,
  );
}

/** Relative to the others of one list; fractions allowed. */
export function weight() {
  return decimalLeaf("a weight from 0 to 1000000", (number) => number >= 0 && number <= 1_000_000)
    .prefault(1);
}

/** A whole number of either sign. */
export function integer() {
  return leaf<number>({
    read: (value) => {
      const negative = typeof value === "string" && /^-\d{1,15}$/.test(value);
      return (negative ? Number(value) : wholeNumber(value)) ??
        new Refusal("is not a whole number");
    },
    write: (number) => number,
  });
}

/** Statuses of failed answers: a list, or `502,503` in a variable. */
export function failedStatuses(fallback: readonly number[]) {
  return leaf<readonly number[]>({
    read: (value) => {
      const items = Array.isArray(value)
        ? value
        : typeof value === "string"
        ? value.split(",").map((item) => item.trim()).filter((item) => item !== "")
        : [value];
      const statuses = items.map(wholeNumber);
      const bad = statuses.findIndex((status) =>
        status === undefined || status < 400 || status > 599
      );
      if (bad < 0) return [...new Set(statuses as number[])];
      return new Refusal(
        "is not a status from 400 to 599; write for example [502, 503]",
        Array.isArray(value) ? { path: [bad] } : {},
      );
    },
    write: (statuses) => [...statuses],
  }).prefault(fallback);
}

/** RFC 9110 section 5.6.2. */
function isToken(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/.test(text);
}

/** Undefined when the text names no part of a request. */
function parseTrafficKey(text: string): TrafficKey | undefined {
  if (text === "source" || text === "caller") return { kind: text };
  const [, kind, name] = /^(header|cookie):(.+)$/.exec(text) ?? [];
  if ((kind !== "header" && kind !== "cookie") || !isToken(name!)) return undefined;
  return { kind, name: name! };
}

function formatTrafficKey(key: TrafficKey): string {
  return "name" in key ? `${key.kind}:${key.name}` : key.kind;
}

const keyForms = "write header:NAME, cookie:NAME, source or caller";

/** What a hash, a sticky share or a limit is taken over. */
export function trafficKey() {
  return leaf<TrafficKey>({
    read: (value) =>
      (typeof value === "string" ? parseTrafficKey(value) : undefined) ??
        new Refusal(`is not a part of a request; ${keyForms}`),
    write: formatTrafficKey,
  });
}

/** The same, or nothing: an empty text. */
export function trafficKeyOrNone() {
  return leaf<TrafficKey | "">({
    read: (value) => {
      if (value === "") return "";
      return (typeof value === "string" ? parseTrafficKey(value) : undefined) ??
        new Refusal(`is not a part of a request; ${keyForms}`);
    },
    write: (key) => key === "" ? "" : formatTrafficKey(key),
  }).prefault("");
}

/** Source of a regular expression that the data plane can search with. */
export function regex() {
  return leaf<string>({
    read: (value) => {
      if (typeof value !== "string") {
        return new Refusal("is not a regular expression; put it in quotes");
      }
      try {
        compilePattern(value);
        return value;
      } catch (error) {
        const reason = error instanceof PatternError ? error.reason : String(error);
        return new Refusal(`is not a regular expression: ${reason}`);
      }
    },
    write: (source) => source,
  });
}

/** Whether a text is one line of at most so many characters, without anything that only terminals understand. */
export function isLine(text: string, max: number): boolean {
  return text.length <= max && !/\p{Cc}/u.test(text);
}

/** Name of a rule or limit, as it appears in metrics and explanations. */
export function ruleName() {
  return text({
    what: "a name (1 to 128 characters, no line breaks)",
    accepts: (name) => name !== "" && name.trim() === name && isLine(name, 128),
    example: "canary",
  });
}

export const headerName = {
  what: "the name of a header (letters, digits and - without spaces)",
  accepts: isToken,
} as const;

export const changeableHeaderName = {
  what:
    "a header that can be changed; a name without spaces that belongs neither to the connection nor to mesher",
  accepts: (name: string) => isToken(name) && !isOwnField(name),
} as const;

/** Value of a header field: one line. */
export function headerValue() {
  return text({
    what: "the value of a header (one line without control characters)",
    accepts: (value) => value.trim() === value && isLine(value.replaceAll("\t", " "), 8192),
  });
}
