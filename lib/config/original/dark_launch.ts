/** Translates the original's older rules of dark launches, `servicecomb.darklaunch.policy.<service>`. */
import type { RequestMatch, RouteRule, RouteTarget } from "../../core/traffic.ts";
import { allOfWays, headerWays, readOperator } from "./operators.ts";
import { entriesOf, itemsOf, NotTaken, textOf, wholeOf } from "./plain_tree.ts";
import { type OriginalRules, withRest } from "./router.ts";

/**
 * Translates one policy. RATE gives each group of versions its share of all requests; RULE sends requests with a
 * certain header to a group of versions. Within a group the versions share alike.
 *
 * Shape: `value` is the JSON text, or what it was parsed to. Groups that cannot be translated are left out with a
 * warning. Errors: none.
 */
export function readDarkLaunch(service: string, value: unknown): OriginalRules {
  const key = `servicecomb.darklaunch.policy.${service}`;
  const warnings: string[] = [];
  const warn = (text: string): void => void warnings.push(`${key}: ${text}`);
  try {
    const policy = new Map(entriesOf(readJson(value)));
    const type = textOf(policy.get("policyType"));
    const items = itemsOf(policy.get("ruleItems")).map((item) => new Map(entriesOf(item)));
    if (type === "RATE") return { rules: [rateRule(items, warn)], warnings };
    if (type !== "RULE") throw new NotTaken(`the policyType ${JSON.stringify(type)} is not known`);
    const rules: RouteRule[] = [];
    for (const [index, item] of items.entries()) {
      try {
        rules.push(headerRule(item, index));
      } catch (error) {
        if (!(error instanceof NotTaken)) throw error;
        warn(`group ${index + 1}: ${error.message}; the group is left out`);
      }
    }
    return { rules: distinct(rules), warnings };
  } catch (error) {
    if (!(error instanceof NotTaken)) throw error;
    warn(`${error.message}; it has no effect`);
    return { rules: [], warnings };
  }
}

type Item = ReadonlyMap<string, unknown>;

function readJson(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    throw new NotTaken("it is not valid JSON");
  }
}

function rateRule(items: readonly Item[], warn: (text: string) => void): RouteRule {
  if (items.length === 0) throw new NotTaken("it has no ruleItems");
  const targets = items.flatMap((item) => {
    const weight = wholeOf(item.get("policyCondition"));
    if (weight < 0) throw new NotTaken(`a weight is ${weight}`);
    return groupTargets(item, weight);
  });
  return { name: "dark launch", targets: withRest(targets, { warn }) };
}

function headerRule(item: Item, index: number): RouteRule {
  const name = textOf(item.get("groupName")).replace(/\p{Cc}+/gu, " ").trim().slice(0, 100).trim();
  return {
    name: name === "" ? `dark launch ${index + 1}` : name,
    match: readCondition(textOf(item.get("policyCondition")), textOf(item.get("caseInsensitive"))),
    targets: groupTargets(item, 100),
  };
}

/** Names tell rules apart in metrics. */
function distinct(rules: readonly RouteRule[]): readonly RouteRule[] {
  const times = new Map<string, number>();
  return rules.map((rule) => {
    const nth = (times.get(rule.name) ?? 0) + 1;
    times.set(rule.name, nth);
    return nth === 1 ? rule : { ...rule, name: `${rule.name} (${nth})` };
  });
}

/** `version=1.0,1.1`. The original rounds each part down and so loses some of the weight; here nothing is lost. */
function groupTargets(item: Item, weight: number): readonly RouteTarget[] {
  const condition = textOf(item.get("groupCondition")).trim();
  const list = condition.startsWith("version=") ? condition.slice(8) : "";
  const versions = list.split(",").map((version) => version.trim()).filter(Boolean);
  if (versions.length === 0) {
    throw new NotTaken(
      `the groupCondition ${JSON.stringify(condition)} is not like version=1.0,1.1`,
    );
  }
  return versions.map((version) => ({ subset: { version }, weight: weight / versions.length }));
}

const signs = {
  "!=": "noEqu",
  ">=": "noLess",
  "<=": "noGreater",
  "=": "exact",
  ">": "greater",
  "<": "less",
  "~": "regex",
} as const;

/**
 * `user_id=jason`. The first sign counts, so that `Cookie~u=1` is a pattern; a condition without one fits every
 * request at the original, and is refused here.
 *
 * Errors: NotTaken.
 */
function readCondition(text: string, caseInsensitive: string): RequestMatch {
  const [, name, sign, value] = /^\s*([^!<>=~\s]+)\s*(!=|>=|<=|[=<>~])\s*(.*?)\s*$/.exec(text) ??
    [];
  if (name === undefined) {
    throw new NotTaken(`the policyCondition ${JSON.stringify(text)} is not like user_id=jason`);
  }
  const test = readOperator(signs[sign as keyof typeof signs], value);
  // The original writes user_id on the wire as UserId.
  return allOfWays([
    headerWays(name.replaceAll("_", ""), {
      ...test,
      ...(caseInsensitive === "true" ? { ignoreCase: true } : {}),
    }),
  ]);
}
