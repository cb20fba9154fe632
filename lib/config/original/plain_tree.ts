/** Reads the texts in which the original keeps rules, without guessing what a number in them means. */
import { parse } from "@std/yaml";

/** Thrown and caught within this folder: what cannot be taken over, in words that follow the place. */
export class NotTaken extends Error {
  override readonly name = "NotTaken";
}

/**
 * The value of a YAML text with every scalar as it is written: `2.0` stays `2.0`, which no number does.
 *
 * Shape: a value that is no text any more comes back as it is. Errors: NotTaken.
 */
export function readYaml(value: unknown): unknown {
  if (typeof value !== "string") return value;
  // Some parsers print warnings that quote the text.
  const options: object = { schema: "failsafe", logLevel: "error" };
  try {
    return parse(value, options);
  } catch (error) {
    const message = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new NotTaken(`is not valid YAML: ${message}`);
  }
}

/** Keys and values of a map; none for nothing. Errors: NotTaken for anything else. */
export function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  if (isNothing(value)) return [];
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new NotTaken(`${JSON.stringify(value)} is no map`);
  }
  return Object.entries(value);
}

/** Elements of a list; none for nothing. Errors: NotTaken for anything else. */
export function itemsOf(value: unknown): readonly unknown[] {
  if (isNothing(value)) return [];
  if (!Array.isArray(value)) throw new NotTaken(`${JSON.stringify(value)} is no list`);
  return value;
}

/** Errors: NotTaken for a map or a list. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "object") throw new NotTaken(`${JSON.stringify(value)} is no text`);
  return String(value);
}

/** Errors: NotTaken for what is no whole number. */
export function wholeOf(value: unknown): number {
  const text = textOf(value).trim();
  if (!/^[+-]?\d{1,15}$/.test(text)) {
    throw new NotTaken(`${JSON.stringify(value)} is no whole number`);
  }
  return Number(text);
}

/** An empty place in YAML. */
export function isNothing(value: unknown): boolean {
  return value === null || value === undefined || value === "" || value === "~" || value === "null";
}
