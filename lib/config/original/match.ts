/** Translates the original's named matches, `servicecomb.match.<name>`. */
import type { RequestMatch, TextMatch } from "../../core/traffic.ts";
import { allOfWays, oneOfWays, readOperator, readOperators } from "./operators.ts";
import { entriesOf, isNothing, itemsOf, NotTaken, readYaml, textOf } from "./plain_tree.ts";

export interface OriginalMatch {
  /** `share: 0` where nothing of it can ever fit. */
  readonly match: RequestMatch;
  /** One sentence each, with the key they are about. */
  readonly warnings: readonly string[];
}

const NEVER: RequestMatch = { share: 0 };

/**
 * Translates one match: of its `matches` one has to fit, in each all conditions, of the tests of a path one.
 *
 * Shape: `value` is the YAML text, or what it was parsed to. A part that cannot fit is left out with a warning; one
 * match without the list around it, as older releases wrote it, is understood. A missing header fits no test.
 * Errors: none.
 */
export function readMatch(name: string, value: unknown): OriginalMatch {
  const key = `servicecomb.match.${name}`;
  const warnings: string[] = [];
  try {
    const tree = entriesOf(readYaml(value));
    const list = tree.find(([part]) => part === "matches");
    const items = list === undefined ? [Object.fromEntries(tree)] : itemsOf(list[1]);
    const ways = items.flatMap((item, index) => {
      const where = list === undefined ? key : `${key}, match ${index + 1}`;
      try {
        return readItem(item, (text) => warnings.push(`${where}: ${text}`));
      } catch (error) {
        if (!(error instanceof NotTaken)) throw error;
        warnings.push(`${where}: ${error.message}; this match never fits`);
        return [];
      }
    });
    if (items.length === 0) warnings.push(`${key}: it has no matches, so it never fits`);
    return { match: ways.length === 0 ? NEVER : oneOfWays(ways), warnings };
  } catch (error) {
    if (!(error instanceof NotTaken)) throw error;
    return { match: NEVER, warnings: [`${key}: ${error.message}; it never fits`] };
  }
}

/** Shape: ways of which one will do. Errors: NotTaken. */
function readItem(item: unknown, warn: (text: string) => void): readonly RequestMatch[] {
  const conditions: (readonly RequestMatch[])[] = [];
  for (const [part, value] of entriesOf(item)) {
    switch (part) {
      case "headers":
        for (const [name, tests] of entriesOf(value)) {
          conditions.push([{ headers: [{ name: name.toLowerCase(), value: present(tests) }] }]);
        }
        break;
      case "apiPath":
        if (entriesOf(value).length > 0) conditions.push(pathWays(value));
        break;
      case "method":
        conditions.push([{ methods: methodsOf(value) }]);
        break;
      case "queries":
        conditions.push(...entriesOf(value).map(queryWays));
        break;
      case "trafficMarkPolicy":
        if (textOf(value) === "once") {
          warn(
            "trafficMarkPolicy once is not taken over: every sidecar looks at the request itself",
          );
        }
        break;
      default:
        warn(`${part} is not known and is ignored`);
    }
  }
  const all = allOfWays(conditions);
  return all.any ?? [all];
}

/** In a match a missing value fits nothing, not even `noEqu`. */
function present(tests: unknown): TextMatch {
  const test = readOperators(tests);
  return test.not === undefined ? test : { ...test, present: true };
}

/** One test of several is enough. */
function pathWays(value: unknown): readonly RequestMatch[] {
  return entriesOf(value).map(([operator, raw]) => {
    const path = readOperator(operator, raw);
    if (path.exact !== undefined && !path.exact.startsWith("/")) {
      throw new NotTaken(`the path ${JSON.stringify(path.exact)} does not begin with /`);
    }
    return { path };
  });
}

function methodsOf(value: unknown): readonly string[] {
  const methods = (Array.isArray(value) ? value : [value]).map((one) => textOf(one).toUpperCase());
  const bad = methods.find((method) => !/^[A-Z][A-Z0-9_-]{0,31}$/.test(method));
  if (bad !== undefined) throw new NotTaken(`${JSON.stringify(bad)} is no method`);
  return methods;
}

/** Only tests of a named parameter have an equal here; `{contains: wait}` asks for the query as a whole. */
function queryWays([name, tests]: readonly [string, unknown]): readonly RequestMatch[] {
  if (isNothing(tests) || typeof tests !== "object") {
    throw new NotTaken(
      `queries {${name}: ${textOf(tests)}} tests the whole query, which has no equal here; ` +
        "write a rule of the own form with queries: {NAME: VALUE}",
    );
  }
  return [{ queries: [{ name, value: present(tests) }] }];
}
