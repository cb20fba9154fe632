/** Leaves for plain values: durations, sizes, numbers, choices, switches and texts. */
import { formatDuration, parseDuration } from "../core/duration.ts";
import { type InMilliseconds, leaf, Refusal } from "./leaf.ts";
import { formatSize, parseSize } from "./size.ts";
import { closest } from "../core/closest.ts";

/** The longest time a timer of the runtime can wait. */
const longestMs = 2_147_483_647;

/** Units: milliseconds in Config, a text such as `250ms` in the file. `min` is a text as well. */
export function duration(fallback: string, options: { readonly min?: string } = {}) {
  const minMs = parseDuration(options.min ?? "1ms") ?? 1;
  const schema = leaf<number>({
    read: (value) => {
      const ms = typeof value === "string" ? parseDuration(value) : undefined;
      if (ms === undefined) {
        return new Refusal("is not a duration; write for example 250ms, 1s or 2m");
      }
      if (Math.round(ms) < minMs) {
        return new Refusal(`is too short; at least ${options.min ?? "1ms"}`);
      }
      if (ms > longestMs) return new Refusal("is too long; at most 596h");
      return Math.round(ms);
    },
    write: formatDuration,
  });
  return Object.assign(schema.prefault(fallback), { unitSuffix: "Ms" } satisfies InMilliseconds);
}

/** Units: bytes in Config; the file may say `64KiB`. */
export function size(fallback: string, range: { readonly min: string; readonly max: string }) {
  const min = parseSize(range.min) ?? 0;
  const max = parseSize(range.max) ?? Number.MAX_SAFE_INTEGER;
  return leaf<number>({
    read: (value) => {
      const bytes = parseSize(String(value));
      if (bytes === undefined) {
        return new Refusal(
          "is not a size; write bytes such as 65536, or for example 64KiB or 1MiB",
        );
      }
      if (bytes < min || bytes > max) {
        return new Refusal(`is out of range; from ${range.min} to ${range.max}`);
      }
      return bytes;
    },
    write: formatSize,
  }).prefault(fallback);
}

/** Reads a whole number from a YAML number or the text of a variable. */
export function wholeNumber(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) ? value : undefined;
  return typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

export function count(fallback: number, range: { readonly min: number; readonly max: number }) {
  return leaf<number>({
    read: (value) => {
      const number = wholeNumber(value);
      return number === undefined || number < range.min || number > range.max
        ? new Refusal(`is not a whole number from ${range.min} to ${range.max}`)
        : number;
    },
    write: (number) => number,
  }).prefault(fallback);
}

/** A number of something, or `auto`. */
export function countOrAuto(range: { readonly min: number; readonly max: number }) {
  return leaf<number | "auto">({
    read: (value) => {
      if (value === "auto") return "auto";
      const number = wholeNumber(value);
      return number === undefined || number < range.min || number > range.max
        ? new Refusal(`is neither auto nor a whole number from ${range.min} to ${range.max}`)
        : number;
    },
    write: (number) => number,
  }).prefault(1);
}

export function oneOf<const Choice extends string>(
  choices: readonly Choice[],
  fallback: NoInfer<Choice>,
) {
  const words = choices.map((choice) => choice === "" ? '"" (empty)' : choice).join(", ");
  return leaf<Choice>({
    read: (value) => {
      const found = choices.find((choice) => choice === value);
      if (found !== undefined) return found;
      const suggestion = closest(String(value), choices);
      return new Refusal(
        `is not one of ${words}`,
        suggestion === undefined ? {} : { suggestion },
      );
    },
    write: (choice) => choice,
  }).prefault(fallback);
}

export function yesOrNo(fallback: boolean) {
  return leaf<boolean>({
    read: (value) => {
      if (typeof value === "boolean") return value;
      if (value === "true") return true;
      if (value === "false") return false;
      return new Refusal("is neither true nor false");
    },
    write: (value) => value,
  }).prefault(fallback);
}

export interface TextRule {
  /** Continues "is not ...". */
  readonly what: string;
  readonly accepts: (text: string) => boolean;
  readonly example?: string;
}

/** A text. A number is refused, because YAML reads `1.10` as 1.1 and nobody would notice. */
export function text(rule: TextRule) {
  const example = rule.example === undefined ? "" : `; write for example ${rule.example}`;
  return leaf<string>({
    read: (value) => {
      if (typeof value === "number" || typeof value === "boolean") {
        return new Refusal(`is read as a ${typeof value}; put it in quotes`);
      }
      return typeof value === "string" && rule.accepts(value)
        ? value
        : new Refusal(`is not ${rule.what}${example}`);
    },
    write: (value) => value,
  });
}
