/** Larger values of the schema out of smaller ones: parts of groups, maps by name, and values with a short form. */
import * as z from "zod";
import { anything, type ConfigOf, type InMilliseconds, keys, type Shape } from "./leaf.ts";

type Inner<P> = P extends z.ZodPrefault<infer T> ? T : never;

type Unit<P> = P extends InMilliseconds ? InMilliseconds : unknown;

/** The leaf without its default: undefined where the file does not have it. */
export function maybe<P extends z.ZodPrefault>(schema: P): z.ZodOptional<Inner<P>> & Unit<P> {
  const unit = "unitSuffix" in schema ? { unitSuffix: schema.unitSuffix } : {};
  const inner = schema.unwrap() as Inner<P>;
  return Object.assign(z.optional(inner), unit) as z.ZodOptional<Inner<P>> & Unit<P>;
}

/** The leaf without its default: the file has to have it. */
export function required<P extends z.ZodPrefault>(schema: P): Inner<P> {
  return schema.unwrap() as Inner<P>;
}

/** Some keys of a group. Shape: what is not said is absent from the value, and inherited by whoever reads it. */
export function part<S extends Shape>(
  group: { readonly shape: S },
): z.ZodType<Partial<ConfigOf<S>>> & { readonly shape: Shape } {
  const shape = Object.fromEntries(
    Object.entries(group.shape).map(([key, schema]) => [
      key,
      schema instanceof z.ZodPrefault ? maybe(schema) : schema,
    ]),
  );
  return keys(shape) as unknown as z.ZodType<Partial<ConfigOf<S>>> & { readonly shape: Shape };
}

export interface NameRule {
  /** Continues "is not ...". */
  readonly what: string;
  readonly accepts: (name: string) => boolean;
}

/** A map from names to values of one kind. Shape: the result carries `each`, the schema of its values. */
export function mapOf<T extends z.ZodType>(each: T, { what, accepts }: NameRule) {
  const expectation = `is not ${what}`;
  const codec = z.codec(anything, z.record(z.string().refine(accepts, expectation), each), {
    decode: (input, context) => {
      // A record drops this one name without a word.
      if (typeof input === "object" && input !== null && Object.hasOwn(input, "__proto__")) {
        context.issues.push({
          code: "custom",
          message: expectation,
          input: "__proto__",
          path: ["__proto__"],
          params: { aboutKey: true },
        });
      }
      return input as never;
    },
    encode: (map) => map,
  });
  return Object.assign(codec, { each });
}

export interface ShortForm {
  /** The long form of what the file says; what has no short form comes back as it is. */
  readonly widen: (value: unknown) => unknown;
  /** The short form of what the file would say, undefined where there is none. */
  readonly shorten: (long: Readonly<Record<string, unknown>>) => unknown;
  /** For what is neither. Continues "...: 5". */
  readonly expectation: string;
}

/** A set of keys that has a short form as well. Shape: carries the `shape` of the long form. */
export function shortOr<T extends z.ZodType & { readonly shape: Shape }>(
  long: T,
  { widen, shorten, expectation }: ShortForm,
) {
  const codec = z.codec(anything, long, {
    decode: (input, context) => {
      const wide = widen(input);
      if (typeof wide === "object" && wide !== null && !Array.isArray(wide)) return wide as never;
      const type = typeof wide;
      const message = type === "number" || type === "boolean"
        ? `is read as a ${type}; put it in quotes`
        : expectation;
      context.issues.push({ code: "custom", message, input });
      return z.NEVER;
    },
    encode: (file) => shorten(file as Readonly<Record<string, unknown>>) ?? file,
  });
  return Object.assign(codec, { shape: long.shape });
}

export interface Finding {
  /** Keys as the file spells them, from the value that is looked at. */
  readonly path: readonly (string | number)[];
  readonly expectation: string;
}

/** Adds what keys of one value have to do with each other. Shape: keeps `shape`. */
export function checked<T extends z.ZodType & { readonly shape: Shape }>(
  schema: T,
  findings: (value: z.output<T>) => Iterable<Finding>,
): T {
  const stricter = schema.check((context) => {
    for (const { path, expectation } of findings(context.value as z.output<T>)) {
      context.issues.push({
        code: "custom",
        message: expectation,
        input: context.value,
        path: [...path],
      });
    }
  });
  return Object.assign(stricter, { shape: schema.shape }) as T;
}
