/** Compares an answer with a recorded one: captured values, values that vary, lists without an order. */

/** Values taken from earlier answers, by name. */
export type Captures = Map<string, string>;

export interface CompareRules {
  /** Paths whose value varies; `[*]` stands for every index. */
  readonly volatile: ReadonlySet<string>;
  /** Paths of lists that have no order. */
  readonly unordered: ReadonlySet<string>;
}

/** Puts captured values in for `{{name}}`, anywhere in a JSON value. */
export function fillIn<T>(value: T, captures: Captures): T {
  if (typeof value === "string") {
    return value.replaceAll(/\{\{(\w+)\}\}/g, (mark, name) => captures.get(name) ?? mark) as T;
  }
  if (Array.isArray(value)) return value.map((item) => fillIn(item, captures)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, fillIn(item, captures)]),
  ) as T;
}

/** The value at a path such as `$.services.updated[0].rev`. Shape: undefined when there is none. */
export function valueAt(value: unknown, path: string): unknown {
  let found = value;
  for (const [, key, index] of path.matchAll(/\.(\w+)|\[(\d+)\]/g)) {
    if (typeof found !== "object" || found === null) return undefined;
    found = (found as Record<string, unknown>)[key ?? index!];
  }
  return found;
}

/**
 * All differences between two JSON values.
 *
 * Shape: sentences; none when they agree. The `detail` of an error is free text and may be missing.
 */
export function differences(
  expected: unknown,
  actual: unknown,
  rules: CompareRules,
  path = "$",
): string[] {
  if (rules.volatile.has(path)) {
    return kindOf(expected) === kindOf(actual)
      ? []
      : [`${path}: expected ${kindOf(expected)}, got ${kindOf(actual)}`];
  }
  if (kindOf(expected) !== kindOf(actual)) {
    return expected === actual ? [] : [`${path}: expected ${show(expected)}, got ${show(actual)}`];
  }
  if (Array.isArray(expected)) {
    return listDifferences(expected, actual as unknown[], rules, path);
  }
  if (kindOf(expected) !== "object") {
    return expected === actual ? [] : [`${path}: expected ${show(expected)}, got ${show(actual)}`];
  }
  return objectDifferences(expected as JsonObject, actual as JsonObject, rules, path);
}

type JsonObject = Readonly<Record<string, unknown>>;

function objectDifferences(
  expected: JsonObject,
  actual: JsonObject,
  rules: CompareRules,
  path: string,
): string[] {
  const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  if (Object.hasOwn(expected, "errorCode")) keys.delete("detail");
  return [...keys].flatMap((key) => {
    const below = `${path}.${key}`;
    if (!Object.hasOwn(actual, key)) return [`${below}: missing`];
    if (!Object.hasOwn(expected, key)) return [`${below}: not expected, is ${show(actual[key])}`];
    return differences(expected[key], actual[key], rules, below);
  });
}

function listDifferences(
  expected: readonly unknown[],
  actual: readonly unknown[],
  rules: CompareRules,
  path: string,
): string[] {
  if (expected.length !== actual.length) {
    return [`${path}: expected ${expected.length} items, got ${actual.length}: ${show(actual)}`];
  }
  const below = `${path}[*]`;
  if (!rules.unordered.has(path)) {
    return expected.flatMap((item, index) => differences(item, actual[index], rules, below));
  }
  const left = [...actual];
  return expected.flatMap((item) => {
    const index = left.findIndex((one) => differences(item, one, rules, below).length === 0);
    if (index < 0) return [`${below}: no item like ${show(item)} among ${show(left)}`];
    left.splice(index, 1);
    return [];
  });
}

function kindOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  return Array.isArray(value) ? "list" : typeof value;
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? "nothing";
}
