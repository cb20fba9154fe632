/** Translates the original's route rules: router.yaml and the older JSON of dark launches. */
import type { RequestMatch, RouteRule, RouteTarget, SubsetTags } from "../../core/traffic.ts";
import { allOfWays, headerWays, readOperators } from "./operators.ts";
import {
  entriesOf,
  isNothing,
  itemsOf,
  NotTaken,
  readYaml,
  textOf,
  wholeOf,
} from "./plain_tree.ts";

export interface OriginalRules {
  readonly rules: readonly RouteRule[];
  /** One sentence each, with the key they are about. */
  readonly warnings: readonly string[];
}

export interface RuleContext {
  /** The own application, for tags that name one. */
  readonly app: string;
  readonly version?: string;
  readonly properties?: Readonly<Record<string, string>>;
  /** What `match.refer` can name: `servicecomb.match.<name>`, translated. */
  readonly matches?: Readonly<Record<string, RequestMatch>>;
}

/**
 * Translates `servicecomb.routeRule.<service>`.
 *
 * Highest precedence first, those of equal precedence in the order in which they are written. Where weights add up to
 * less than 100 the rest goes to the latest version; where to more, the rule is left out. `version: latest` stays as
 * it is written: whoever builds the subset takes the highest version for it.
 *
 * Shape: `value` is the YAML text, or what it was parsed to. A rule that can never fit, or cannot be translated, is
 * left out; others of the service stay. Errors: none.
 */
export function readRouteRules(
  service: string,
  value: unknown,
  context: RuleContext,
): OriginalRules {
  const key = `servicecomb.routeRule.${service}`;
  const warnings: string[] = [];
  const found: { readonly precedence: number; readonly rule: Omit<RouteRule, "name"> }[] = [];
  try {
    for (const [index, item] of itemsOf(readYaml(value)).entries()) {
      const where = `${key}, rule ${index + 1}`;
      try {
        const one = readRule(item, { context, warn: (text) => warnings.push(`${where}: ${text}`) });
        if (one !== undefined) found.push(one);
      } catch (error) {
        if (!(error instanceof NotTaken)) throw error;
        warnings.push(`${where}: ${error.message}; the rule is left out`);
      }
    }
  } catch (error) {
    if (!(error instanceof NotTaken)) throw error;
    warnings.push(`${key}: ${error.message}; it has no effect`);
  }
  found.sort((a, b) => b.precedence - a.precedence);
  const times = new Map<number, number>();
  const rules = found.map(({ precedence, rule }) => {
    const nth = (times.get(precedence) ?? 0) + 1;
    times.set(precedence, nth);
    const name = nth === 1 ? `precedence ${precedence}` : `precedence ${precedence} (${nth})`;
    return { name, ...rule };
  });
  return { rules, warnings };
}

interface Reading {
  readonly context: RuleContext;
  readonly warn: (text: string) => void;
}

/** Shape: undefined for a rule that is for other callers. Errors: NotTaken. */
function readRule(item: unknown, reading: Reading) {
  let precedence = 0;
  let match: RequestMatch | undefined = {};
  let route: readonly unknown[] = [];
  for (const [part, value] of entriesOf(item)) {
    if (part === "precedence") precedence = isNothing(value) ? 0 : wholeOf(value);
    else if (part === "match") match = readMatchOf(value, reading);
    else if (part === "route") route = itemsOf(value);
    else reading.warn(`${part} is not known and is ignored`);
  }
  if (match === undefined) return undefined;
  if (route.length === 0) throw new NotTaken("it has no route");
  const targets = withRest(route.map((one) => readTarget(one, reading)), reading);
  const isAlways = Object.keys(match).length === 0;
  return { precedence, rule: { ...(isAlways ? {} : { match }), targets } };
}

/** Shape: undefined when it can fit no request of this sidecar. Errors: NotTaken. */
function readMatchOf(value: unknown, { context, warn }: Reading): RequestMatch | undefined {
  const parts = new Map(entriesOf(value).filter(([, part]) => !isNothing(part)));
  const refer = parts.get("refer");
  if (refer !== undefined) {
    const name = textOf(refer);
    const referred = context.matches;
    if (referred === undefined || !Object.hasOwn(referred, name)) {
      throw new NotTaken(`it refers to servicecomb.match.${name}, which there is not`);
    }
    parts.delete("refer");
    if (parts.size > 0) {
      warn(`beside refer the conditions ${[...parts.keys()].join(", ")} are ignored`);
    }
    return referred[name];
  }
  const conditions: (readonly RequestMatch[])[] = [];
  for (const [part, conditionsOfPart] of parts) {
    switch (part) {
      case "source":
        conditions.push([{ callers: [textOf(conditionsOfPart)] }]);
        break;
      case "sourceTags":
        // A file that many services share has rules for some of them only: no reason for a warning.
        if (!entriesOf(conditionsOfPart).every((tag) => isOwnTag(tag, context))) return undefined;
        break;
      case "headers":
      case "httpHeaders":
        for (const [name, tests] of entriesOf(conditionsOfPart)) {
          conditions.push(headerWays(name, readOperators(tests)));
        }
        break;
      default:
        warn(`${part} of its match is not known and is ignored`);
    }
  }
  return allOfWays(conditions);
}

/** The caller is always this sidecar's own application, so its tags are known beforehand. */
function isOwnTag([name, value]: readonly [string, unknown], context: RuleContext): boolean {
  const own = name === "app"
    ? context.app
    : name === "version"
    ? context.version
    : context.properties?.[name];
  return (own ?? "") === textOf(value);
}

/** Errors: NotTaken. */
function readTarget(item: unknown, reading: Reading): RouteTarget {
  let weight = 0;
  let subset: SubsetTags | undefined;
  for (const [part, value] of entriesOf(item)) {
    if (part === "weight") weight = isNothing(value) ? 0 : wholeOf(value);
    else if (part === "tags") subset = readTags(value, reading);
    else reading.warn(`${part} of its route is not known and is ignored`);
  }
  if (weight < 0) throw new NotTaken(`a weight is ${weight}`);
  return { subset: subset ?? { version: "latest" }, weight };
}

function readTags(value: unknown, { context, warn }: Reading): SubsetTags {
  const tags: Record<string, string> = {};
  for (const [name, raw] of entriesOf(value)) {
    const text = textOf(raw);
    if (name === "version" && typeof raw === "number") {
      warn(`the version ${text} was read as a number; write it in quotes, lest 2.0 becomes 2`);
    }
    if (name === "app" && (text === context.app || text === "")) continue;
    if (name === "app") {
      warn(`the tag app: ${text} names another application, whose instances may not be visible`);
    }
    if (name === "version" && /^\d+(?:\.\d+)*(?:\+$|-\d)/.test(text)) {
      warn(`the version ${text} is compared as a text; ranges of versions are not understood here`);
    }
    tags[name] = text;
  }
  return { ...tags, version: tags["version"] || "latest" };
}

/**
 * The targets with a weight; what is missing to 100 goes to the latest version.
 *
 * Errors: NotTaken when there is more than 100.
 */
export function withRest(
  targets: readonly RouteTarget[],
  { warn }: Pick<Reading, "warn">,
): readonly RouteTarget[] {
  const sum = targets.reduce((total, { weight }) => total + weight, 0);
  // Shares of a weight need not add up to it in floating point.
  if (sum > 100 + 1e-9) throw new NotTaken(`its weights add up to ${sum}, which is more than 100`);
  if (sum === 0) warn("its route has no weights, so that all of it goes to the latest version");
  const weighted = targets.filter(({ weight }) => weight > 0);
  if (sum > 100 - 1e-9) return weighted;
  return [...weighted, { subset: { version: "latest" }, weight: 100 - sum }];
}
