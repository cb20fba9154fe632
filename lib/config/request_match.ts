/** How the configuration says which requests something is for. */
import * as z from "zod";
import { isServiceName } from "../core/names.ts";
import type { RequestMatch, TextMatch } from "../core/traffic.ts";
import { checked, type Finding, mapOf, maybe, type NameRule, shortOr } from "./collections.ts";
import { keys, type Shape } from "./leaf.ts";
import { headerName, integer, isLine, percentage, regex, trafficKey } from "./traffic_leaves.ts";
import { fromPercent, toPercent } from "./traffic_values.ts";
import { text, yesOrNo } from "./values.ts";

const word = text({ what: "a text", accepts: () => true });

const textKeys = keys({
  exact: word.optional(),
  prefix: word.optional(),
  suffix: word.optional(),
  contains: word.optional(),
  regex: regex().optional(),
  not: word.optional(),
  less: integer().optional(),
  at_most: integer().optional(),
  greater: integer().optional(),
  at_least: integer().optional(),
  present: maybe(yesOrNo(true)),
  ignore_case: maybe(yesOrNo(false)),
});

/** A plain text means exactly this text. */
const textForms = {
  widen: (value: unknown) => typeof value === "string" ? { exact: value } : value,
  shorten: (long: Readonly<Record<string, unknown>>) =>
    Object.keys(long).length === 1 ? long["exact"] : undefined,
  expectation: "is not a condition; write a text, or for example {prefix: /a} or {regex: ^a}",
};

const textMatch = checked(shortOr(textKeys, textForms), function* (match: TextMatch) {
  if (Object.keys(match).some((key) => key !== "ignoreCase")) return;
  yield { path: [], expectation: textForms.expectation };
});

const pathMatch = checked(
  shortOr(textKeys, textForms),
  function* (match: TextMatch): Generator<Finding> {
    for (const key of ["exact", "prefix"] as const) {
      if (match[key] === undefined || match[key].startsWith("/")) continue;
      const path = Object.keys(match).length === 1 && key === "exact" ? [] : [key];
      yield { path, expectation: "is not the begin of a path; write for example /v1" };
    }
    if (Object.keys(match).some((key) => key !== "ignoreCase")) return;
    yield { path: [], expectation: textForms.expectation };
  },
);

/** Conditions by name. Shape: a map in the file, a list in the value. */
function named(names: NameRule) {
  const map = mapOf(textMatch, names);
  const codec = z.codec(
    map,
    z.custom<readonly { readonly name: string; readonly value: TextMatch }[]>(),
    {
      decode: (byName) => Object.entries(byName).map(([name, value]) => ({ name, value })),
      encode: (list) => Object.fromEntries(list.map(({ name, value }) => [name, value])) as never,
    },
  );
  return Object.assign(codec, { each: map.each });
}

const plainName: NameRule = {
  what: "a name (1 to 256 characters, no line breaks)",
  accepts: (name) => name !== "" && isLine(name, 256),
};

const method = text({
  what: "a method in capitals",
  accepts: (name) => /^[A-Z][A-Z0-9_-]{0,31}$/.test(name),
  example: "GET",
});

/** Name of a service, its own or another's. */
export const serviceName = text({
  what: "a service name (letters and digits, inside also _ - and .)",
  accepts: isServiceName,
  example: "AccountService",
});

const noneOf = "is empty and fits nothing; leave it out to fit everything";

const conditions = {
  methods: z.array(method).min(1, noneOf).optional(),
  path: pathMatch.optional(),
  headers: named(headerName).optional(),
  cookies: named(plainName).optional(),
  queries: named(plainName).optional(),
  callers: z.array(serviceName).min(1, noneOf).optional(),
  percent: maybe(percentage(100)),
  sticky: trafficKey().optional(),
};

type MatchKeys = Omit<RequestMatch, "share"> & { readonly percent?: number };
type MatchSchema = z.ZodType<RequestMatch> & { readonly shape: Shape };

/** The value of core for the keys of the file. */
function asMatch(from: { readonly shape: Shape }): MatchSchema {
  const file = from as unknown as z.ZodType<MatchKeys>;
  const codec = z.codec(file, z.custom<RequestMatch>(), {
    decode: ({ percent, ...rest }) => ({
      ...rest,
      ...(percent === undefined ? {} : { share: fromPercent(percent) }),
    }),
    encode: ({ share, ...rest }) => ({
      ...rest,
      ...(share === undefined ? {} : { percent: toPercent(share) }),
    }),
  });
  return checked(Object.assign(codec, { shape: from.shape }), function* ({ share, sticky }) {
    if (sticky === undefined || share !== undefined) return;
    yield { path: ["sticky"], expectation: "has no effect without percent beside it" };
  });
}

/** One of several. */
const branch = asMatch(keys(conditions));

/** Which requests. Shape: `any` goes one level deep. */
export const requestMatch: MatchSchema = asMatch(
  keys({ ...conditions, any: z.array(branch).min(1, noneOf).optional() }),
);
