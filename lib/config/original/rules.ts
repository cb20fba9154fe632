/** Keys `servicecomb.routeRule.*`, `darklaunch.*`, `match.*` and `rateLimiting.*` of the original. */
import * as z from "zod";
import { isServiceName } from "../../core/names.ts";
import type { RequestMatch, RouteRule, TextMatch } from "../../core/traffic.ts";
import { rateLimit } from "../rate_limit.ts";
import { route } from "../route.ts";
import { readDarkLaunch } from "./dark_launch.ts";
import { readMatch } from "./match.ts";
import { entriesOf, NotTaken, readYaml, textOf, wholeOf } from "./plain_tree.ts";
import { burstOf } from "./rate_limiting.ts";
import { type OriginalRules, readRouteRules, type RuleContext } from "./router.ts";
import type { Sheet } from "./sheet.ts";

/** Who asks, for rules that are for some callers only. */
export type OwnIdentity = Pick<RuleContext, "app" | "version" | "properties">;

type Matches = Readonly<Record<string, RequestMatch>>;

/** Routes and limits by rule. */
export function translateRules(sheet: Sheet, own: OwnIdentity): void {
  const matches = new Map<string, RequestMatch>();
  for (const { rest, value } of sheet.takeBelow("servicecomb.match.")) {
    const { match, warnings } = readMatch(rest, value);
    matches.set(rest, match);
    sheet.warnings.push(...warnings);
  }
  const byName = Object.fromEntries(matches);
  translateRoutes(sheet, { ...own, matches: byName });
  translateMarkedLimits(sheet, byName);
}

function translateRoutes(sheet: Sheet, context: RuleContext): void {
  const routed = new Set<string>();
  for (const { key, rest, value } of sheet.takeBelow("servicecomb.routeRule.")) {
    const read = () => readRouteRules(rest, value, context);
    if (takeRules(sheet, { key, service: rest, read })) routed.add(rest);
  }
  for (const { key, rest, value } of sheet.takeBelow("servicecomb.darklaunch.")) {
    const service = rest.startsWith("policy.") ? rest.slice("policy.".length) : "";
    if (routed.has(service)) sheet.warn(key, "is overruled by servicecomb.routeRule");
    else takeRules(sheet, { key, service, read: () => readDarkLaunch(service, value) });
  }
}

function takeRules(
  sheet: Sheet,
  { key, service, read }: {
    readonly key: string;
    readonly service: string;
    readonly read: () => OriginalRules;
  },
): boolean {
  if (!isServiceName(service)) {
    sheet.warn(key, `${JSON.stringify(service)} is not the name of a service`);
    return false;
  }
  const { rules, warnings } = read();
  sheet.warnings.push(...warnings);
  const written = rules.flatMap((rule) => {
    const file = hasRepeatedNames(rule.match) ? undefined : fileForm(route, withTests(rule));
    if (file !== undefined) return [file];
    sheet.warn(key, `the rule ${JSON.stringify(rule.name)} cannot be said here; it is left out`);
    return [];
  });
  if (written.length > 0) sheet.set(service, ["routes"], written);
  return true;
}

/** The file form of a value, as long as it is one that would be read back. */
function fileForm<T>(schema: z.ZodType<T>, value: T): unknown {
  const written = z.safeEncode(schema, value);
  return written.success && schema.safeParse(written.data).success ? written.data : undefined;
}

function hasRepeatedNames(match: RequestMatch = {}): boolean {
  const names = (match.headers ?? []).map(({ name }) => name.toLowerCase());
  return new Set(names).size < names.length || (match.any ?? []).some(hasRepeatedNames);
}

/** A test without operators asks whether there is a value; here that is written. */
function withTests(rule: RouteRule): RouteRule {
  return rule.match === undefined ? rule : { ...rule, match: withTextTests(rule.match) };
}

function withTextTests(match: RequestMatch): RequestMatch {
  const written = (value: TextMatch): TextMatch =>
    Object.keys(value).some((key) => key !== "ignoreCase") ? value : { present: true };
  const list = (conditions: NonNullable<RequestMatch["headers"]>) =>
    conditions.map(({ name, value }) => ({ name, value: written(value) }));
  return {
    ...match,
    ...(match.headers === undefined ? {} : { headers: list(match.headers) }),
    ...(match.queries === undefined ? {} : { queries: list(match.queries) }),
    ...(match.any === undefined ? {} : { any: match.any.map(withTextTests) }),
  };
}

/** Limits for requests with a mark: `match`, `rate`, `burst`. */
function translateMarkedLimits(sheet: Sheet, matches: Matches): void {
  const entries = sheet.takeBelow("servicecomb.rateLimiting.");
  const sides = sidesOf(sheet);
  for (const { key, rest, value } of entries) {
    if (sides.length === 0) {
      sheet.warn(key, "had no effect: rate-limiter is in no handler chain");
      continue;
    }
    try {
      const file = readLimit(sheet, { key, name: rest, value, matches });
      for (const { path } of sides) sheet.append(path, file);
      if (sides.some(({ isGuess }) => isGuess)) {
        sheet.warn(
          key,
          "takes effect for calls to the own application; the original needed rate-limiter in a handler chain",
        );
      }
    } catch (error) {
      if (!(error instanceof NotTaken)) throw error;
      sheet.warn(key, `${error.message}; it is left out`);
    }
  }
}

interface Side {
  readonly path: readonly string[];
  /** Nothing is said of the chains. */
  readonly isGuess?: boolean;
}

function sidesOf(sheet: Sheet): readonly Side[] {
  const outgoing = sheet.hasHandler("Consumer.outgoing", "rate-limiter");
  const incoming = sheet.hasHandler("Provider.incoming", "rate-limiter");
  const provider = ["provider", "rate_limits"];
  if (outgoing === true || incoming === true) {
    return [
      ...(outgoing === true ? [{ path: ["rate_limits"] }] : []),
      ...(incoming === true ? [{ path: provider }] : []),
    ];
  }
  return incoming === false ? [] : [{ path: provider, isGuess: true }];
}

/** Errors: NotTaken. */
function readLimit(
  sheet: Sheet,
  { key, name, value, matches }: {
    readonly key: string;
    readonly name: string;
    readonly value: unknown;
    readonly matches: Matches;
  },
): unknown {
  let match: RequestMatch | undefined;
  let rate: number | undefined;
  let burst: number | undefined;
  for (const [part, raw] of entriesOf(readYaml(value))) {
    if (part === "match") {
      const mark = textOf(raw);
      if (!Object.hasOwn(matches, mark)) {
        throw new NotTaken(`it is for servicecomb.match.${mark}, which there is not`);
      }
      match = matches[mark];
    } else if (part === "rate") rate = wholeOf(raw);
    else if (part === "burst") burst = wholeOf(raw);
    else sheet.warn(key, `${part} is not known and is ignored`);
  }
  if (rate === undefined || rate <= 0) throw new NotTaken("it has no rate above 0");
  const file = fileForm(rateLimit, {
    name,
    ...(match === undefined ? {} : { match: withTextTests(match) }),
    perSecond: rate,
    burst: burst === undefined || burst <= 0 ? burstOf(rate) : burst,
  });
  if (file === undefined) throw new NotTaken("it cannot be said here");
  return file;
}
