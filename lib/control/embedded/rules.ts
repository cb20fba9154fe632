/** The rules for single values of requests: patterns, lengths, lists of words; null counts as absent. */
import { invalid } from "./faults.ts";
import type { Texts } from "./records.ts";

/** What a text has to look like. Units: `max` in UTF-16 units. */
export interface TextRule {
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: RegExp;
  /** The rule in words, for the one who reads the refusal. */
  readonly expected: string;
}

const name = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?$/;
const nameWords = "letters and digits with inner _ - or .";
const environmentPattern = /^(?:development|testing|acceptance|production)?$/;

/** The rules by what they are for. */
export const textRules = {
  appId: { min: 1, max: 160, pattern: name, expected: `1 to 160 ${nameWords}` },
  serviceName: { min: 1, max: 128, pattern: name, expected: `1 to 128 ${nameWords}` },
  /** Look-ups also take an alias, which may hold a colon. */
  lookupName: {
    min: 1,
    max: 289,
    pattern: /^[A-Za-z0-9](?:[A-Za-z0-9_.:-]*[A-Za-z0-9])?$/,
    expected: "1 to 289 letters and digits with inner _ - . or :",
  },
  serviceId: { max: 64, pattern: /^\S*$/, expected: "at most 64 characters without a blank" },
  instanceId: {
    max: 64,
    pattern: /^[A-Za-z0-9_.-]*$/,
    expected: "at most 64 letters, digits, _ . or -",
  },
  version: {
    min: 1,
    max: 64,
    pattern: /^\d+(?:\.\d+){0,3}$/,
    expected: "x[.y[.z[.w]]] with every part from 0 to 32767",
  },
  alias: {
    max: 128,
    pattern: /^[A-Za-z0-9_.:-]*$/,
    expected: "at most 128 letters, digits, _ . : or -",
  },
  environment: {
    pattern: environmentPattern,
    expected: "empty, development, testing, acceptance or production",
  },
  description: { max: 256, expected: "at most 256 characters" },
  level: { pattern: /^(?:FRONT|MIDDLE|BACK)$/, expected: "FRONT, MIDDLE or BACK" },
  serviceStatus: { pattern: /^(?:UP|DOWN)$/, expected: "UP or DOWN" },
  registerBy: { pattern: /^(?:SDK|SIDECAR|PLATFORM)?$/, expected: "SDK, SIDECAR or PLATFORM" },
  frameworkName: {
    max: 64,
    pattern: /^$|^[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?$/,
    expected: `at most 64 ${nameWords}`,
  },
  frameworkVersion: { max: 64, expected: "at most 64 characters" },
  schemaId: { min: 1, max: 160, pattern: name, expected: `1 to 160 ${nameWords}` },
  schemaText: { min: 1, expected: "the text of the schema, not empty" },
  schemaSummary: {
    max: 128,
    pattern: /^[A-Za-z0-9]*$/,
    expected: "at most 128 letters and digits",
  },
  tag: {
    pattern: /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/,
    expected: "a letter, then at most 63 letters, digits, _ . or -",
  },
  hostName: { min: 1, max: 64, pattern: /\S/, expected: "1 to 64 characters, not blank" },
  instanceStatus: {
    pattern: /^(?:UP|DOWN|STARTING|TESTING|OUTOFSERVICE)$/,
    expected: "UP, DOWN, STARTING, TESTING or OUTOFSERVICE",
  },
  endpoint: { min: 1, pattern: /\S/, expected: "an endpoint such as rest://10.0.0.5:8080" },
  healthMode: { pattern: /^(?:push|pull)$/, expected: "push or pull" },
  dataCenterPart: {
    min: 1,
    max: 128,
    pattern: /^[A-Za-z0-9_.-]+$/,
    expected: "1 to 128 letters, digits, _ . or -",
  },
} as const satisfies Record<string, TextRule>;

/** Refuses a text that breaks a rule. Errors: RegistryFault 400001, naming field, value and rule. */
export function checkText(field: string, text: string, rule: TextRule): string {
  const { min = 0, max = Infinity, pattern } = rule;
  const fits = text.length >= min && text.length <= max && (pattern?.test(text) ?? true);
  if (fits && (rule !== textRules.version || isVersion(text))) return text;
  throw invalid(`${field} is ${quote(text)}; expected ${rule.expected}.`);
}

function isVersion(text: string): boolean {
  return text.split(".").every((part) => Number(part) <= 32767);
}

/** A JSON object of a request, read field by field. Unknown fields are nobody's business. */
export type Fields = Readonly<Record<string, unknown>>;

/** Errors: RegistryFault 400001 unless the value is an object. */
export function asFields(field: string, value: unknown): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw invalid(`${field} is ${kindOf(value)}; expected an object.`);
}

/** The object below a key. Shape: undefined for absent and null. */
export function fieldsIn(fields: Fields, key: string): Fields | undefined {
  const value = own(fields, key);
  return value === undefined ? undefined : asFields(key, value);
}

/** The text below a key, checked. Shape: `fallback` for absent, null and the empty text. */
export function textIn(fields: Fields, key: string, rule: TextRule, fallback = ""): string {
  const value = own(fields, key) ?? "";
  if (typeof value !== "string") throw invalid(`${key} is ${kindOf(value)}; expected a text.`);
  return checkText(key, value === "" ? fallback : value, rule);
}

/** The whole number below a key. Shape: `fallback` for absent and null. */
export function integerIn(
  fields: Fields,
  key: string,
  options: { readonly min: number; readonly fallback: number },
): number {
  const value = own(fields, key) ?? options.fallback;
  if (Number.isInteger(value)) {
    const number = value as number;
    if (number >= options.min && number <= 2147483647) return number;
  }
  throw invalid(`${key} is ${quote(value)}; expected a whole number of at least ${options.min}.`);
}

/** The list below a key. Shape: empty for absent and null. */
export function listIn(fields: Fields, key: string): readonly unknown[] {
  const value = own(fields, key) ?? [];
  if (!Array.isArray(value)) throw invalid(`${key} is ${kindOf(value)}; expected a list.`);
  return value;
}

/** The list of texts below a key, each of them checked. */
export function textListIn(fields: Fields, key: string, rule: TextRule): readonly string[] {
  return listIn(fields, key).map((item, index) => {
    if (typeof item === "string") return checkText(`${key}[${index}]`, item, rule);
    throw invalid(`${key}[${index}] is ${kindOf(item)}; expected a text.`);
  });
}

/** The map of texts below a key. Shape: empty for absent and null; a null value becomes the empty text. */
export function textsIn(fields: Fields, key: string, rule?: TextRule): Texts {
  const texts = new Map<string, string>();
  for (const [name, item] of Object.entries(fieldsIn(fields, key) ?? {})) {
    const text = item ?? "";
    if (typeof text !== "string") {
      throw invalid(`${key}.${name} is ${kindOf(item)}; expected a text.`);
    }
    if (rule) {
      checkText(`a key of ${key}`, name, rule);
      checkText(`${key}.${name}`, text, rule);
    }
    texts.set(name, text);
  }
  return texts;
}

/** `1` and `true` in any case are true, everything else is false. */
export function flag(text: string | undefined): boolean {
  return text === "1" || text?.toLowerCase() === "true";
}

/** The value of a key of the object itself. Shape: undefined for null. */
function own(fields: Fields, key: string): unknown {
  return Object.hasOwn(fields, key) ? fields[key] ?? undefined : undefined;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "missing";
  return Array.isArray(value) ? "a list" : `of type ${typeof value}`;
}

/** The value as it is shown to people. Shape: shortened, so that a hostile value does not fill a log. */
function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? "missing";
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}
