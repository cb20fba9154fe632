/** The two building bricks of the schema: a leaf that reads one value, and a group that names its keys. */
import * as z from "zod";

/** Why a value was not taken. The expectation continues a sentence that begins with the value. */
export class Refusal {
  constructor(
    readonly expectation: string,
    readonly details: {
      readonly suggestion?: string;
      /** Where inside the value, for values that are lists or maps. */
      readonly path?: readonly (string | number)[];
    } = {},
  ) {}
}

/** How one value is read from a file, a variable or a flag, and how it is written in a file. */
export interface LeafForm<T> {
  /** Takes what YAML gives, or the text of a variable or flag. Never throws. */
  readonly read: (value: unknown) => T | Refusal;
  readonly write: (value: T) => unknown;
}

/** What a leaf reads. One for all of them: schemas that check nothing were a third of the memory of the whole. */
export const anything = z.unknown();
const unchecked = z.custom<unknown>();

/** What a reader has made, which nothing has to check again. */
function made<T>(): z.ZodCustom<T, T> {
  return unchecked as z.ZodCustom<T, T>;
}

/** One value of the configuration; goes both ways, so that the effective configuration can be printed. */
export function leaf<T>(form: LeafForm<T>) {
  return z.codec(anything, made<T>(), {
    decode: (input, context) => {
      const value = form.read(input);
      if (!(value instanceof Refusal)) return value;
      const { path, suggestion } = value.details;
      context.issues.push({
        code: "custom",
        message: value.expectation,
        input,
        ...(path === undefined ? {} : { path: [...path] }),
        ...(suggestion === undefined ? {} : { params: { suggestion } }),
      });
      return z.NEVER;
    },
    encode: (value) => form.write(value),
  });
}

/** Marks a leaf whose key gets `Ms` in the Config value. */
export interface InMilliseconds {
  readonly unitSuffix: "Ms";
}

export type Shape = Readonly<Record<string, z.ZodType>>;

type Camel<Key extends string> = Key extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Key;

type ConfigKey<Key extends string, Leaf> = Leaf extends InMilliseconds ? `${Camel<Key>}Ms`
  : Camel<Key>;

/** The Config value of a group: camelCase keys, durations with `Ms`, optional keys absent when unset. */
export type ConfigOf<S extends Shape> =
  & {
    readonly [
      Key in keyof S & string as S[Key] extends z.ZodOptional ? never : ConfigKey<Key, S[Key]>
    ]: z.output<S[Key]>;
  }
  & {
    readonly [
      Key in keyof S & string as S[Key] extends z.ZodOptional ? ConfigKey<Key, S[Key]> : never
    ]?: Exclude<z.output<S[Key]>, undefined>;
  };

function configKey(fileKey: string, schema: z.ZodType): string {
  const camel = fileKey.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  return camel + ("unitSuffix" in schema ? schema.unitSuffix : "");
}

/**
 * A set of keys, none but these, that has to be there. In the file they are snake_case; in the Config value as
 * ConfigOf says.
 *
 * Shape: the result carries its `shape`, from which the names of variables and flags are made.
 */
export function keys<const S extends Shape>(shape: S) {
  const names = Object.entries(shape).map(([key, schema]) =>
    [key, configKey(key, schema)] as const
  );
  const rename = (from: object, pairs: readonly (readonly [string, string])[]) => {
    const values = from as Readonly<Record<string, unknown>>;
    return Object.fromEntries(
      pairs.filter(([key]) => values[key] !== undefined).map(([key, to]) => [to, values[key]]),
    );
  };
  const back = names.map(([key, name]) => [name, key] as const);
  const codec = z.codec(z.strictObject(shape), made<ConfigOf<S>>(), {
    decode: (file) => rename(file as object, names) as ConfigOf<S>,
    encode: (config) => rename(config as object, back) as never,
  });
  return Object.assign(codec, { shape });
}

/** The same, with all its defaults where the file does not have it. */
export function group<const S extends Shape>(shape: S) {
  return Object.assign(keys(shape).prefault({} as never), { shape });
}
