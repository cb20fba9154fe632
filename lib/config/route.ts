/** How the configuration says a route: which requests, and what is done with them. */
import * as z from "zod";
import { compilePattern } from "../core/pattern/pattern.ts";
import type { FaultPolicy, HeaderChanges, RetryPolicy, RouteRule } from "../core/traffic.ts";
import { checked, type Finding, mapOf, maybe, part } from "./collections.ts";
import { type ConfigOf, keys, leaf, Refusal } from "./leaf.ts";
import { rateLimit } from "./rate_limit.ts";
import { requestMatch } from "./request_match.ts";
import { mirror, target } from "./route_target.ts";
import { fault, type FaultKeys, retry, type RetryKeys } from "./traffic_groups.ts";
import {
  changeableHeaderName,
  headerValue,
  isLine,
  regex,
  ruleName,
  trafficKey,
} from "./traffic_leaves.ts";
import { faultKeys, faultPolicy, retryChanges, retryKeys } from "./traffic_values.ts";
import { duration, text, wholeNumber } from "./values.ts";

const pathText = text({
  what: "the begin of a path",
  accepts: (path) => /^\/[^\s?#]*$/.test(path),
  example: "/v1",
});

const replacement = text({
  what: "a text to put there (no spaces)",
  accepts: (words) => /^[^\s#]*$/.test(words) && isLine(words, 2048),
});

const rewrite = checked(
  keys({
    prefix: keys({ from: pathText, to: pathText }).optional(),
    regex: keys({ pattern: regex(), to: replacement }).optional(),
  }),
  function* ({ prefix, regex }): Generator<Finding> {
    if ((prefix === undefined) === (regex === undefined)) {
      yield { path: [], expectation: "is not a rewrite; say either prefix or regex" };
    }
    if (regex === undefined) return;
    const { groups } = compilePattern(regex.pattern);
    const missing = groupsNamed(regex.to).find((group) =>
      group > groups && !(group > 9 && Math.floor(group / 10) <= groups)
    );
    if (missing === undefined) return;
    const expectation = `names group ${missing}, but the pattern has ${groups}`;
    yield { path: ["regex", "to"], expectation };
  },
);

/** Numbers of the groups that a replacement names. */
function groupsNamed(to: string): readonly number[] {
  const marks = to.matchAll(/\$(?:\$|(\d{1,2}))/g);
  return [...marks].flatMap(([, group]) => group === undefined ? [] : [Number(group)]);
}

const fields = mapOf(headerValue(), changeableHeaderName);

const headerChanges = checked(
  keys({
    set: fields.optional(),
    add: fields.optional(),
    remove: z.array(text(changeableHeaderName)).optional(),
  }),
  function* (changes: HeaderChanges): Generator<Finding> {
    if (Object.keys(changes).length > 0) return;
    yield { path: [], expectation: "is not a change of headers; say set, add or remove" };
  },
);

const redirectStatus = leaf<number>({
  read: (value) => {
    const status = wholeNumber(value);
    return status !== undefined && [301, 302, 303, 307, 308].includes(status)
      ? status
      : new Refusal("is not one of 301, 302, 303, 307, 308");
  },
  write: (status) => status,
});

const redirect = keys({
  status: redirectStatus,
  location: text({
    what: "a place to go to; a path or a URL without spaces, $path stands for path and query",
    accepts: (place) => /^(?![/\\]+\$path)[\x21-\x7e]{1,2048}$/.test(place),
    example: "https://www.example.com$path",
  }),
});

/** Unlike a group's, a route's fault has no share that it could inherit. */
const routeFault = z.codec(
  checked(part(fault), function* (keys: Partial<FaultKeys>): Generator<Finding> {
    const delays = (keys.delayMs ?? 0) > 0;
    if (delays !== ((keys.delayPercent ?? 0) > 0)) {
      yield { path: [], expectation: "is not a fault; delay and delay_percent go together" };
    }
    if (keys.abortStatus !== undefined && (keys.abortPercent ?? 0) === 0) {
      yield { path: [], expectation: "is not a fault; abort_status needs abort_percent beside it" };
    }
  }),
  z.custom<FaultPolicy>(),
  { decode: (keys) => faultPolicy(keys) ?? {}, encode: (policy) => faultKeys(policy) },
);

const routeRetry = z.codec(
  part(retry),
  z.custom<Partial<RetryPolicy>>(),
  {
    decode: (keys: Partial<RetryKeys>) => retryChanges(keys),
    encode: (changes) => retryKeys(changes),
  },
);

const routeKeys = keys({
  name: ruleName(),
  match: requestMatch.optional(),
  to: z.array(target).prefault([]),
  sticky: trafficKey().optional(),
  timeout: maybe(duration("30s")),
  retry: Object.assign(routeRetry, { shape: retry.shape }).optional(),
  fault: Object.assign(routeFault, { shape: fault.shape }).optional(),
  mirror: mirror.optional(),
  rewrite: rewrite.optional(),
  request_headers: headerChanges.optional(),
  response_headers: headerChanges.optional(),
  redirect: redirect.optional(),
  rate_limits: z.array(rateLimit).optional(),
});

type RouteKeys = ConfigOf<typeof routeKeys.shape>;

function toRule({ to, rewrite, ...rest }: RouteKeys): RouteRule {
  return { ...rest, targets: to, ...(rewrite === undefined ? {} : { path: rewrite }) };
}

function fromRule({ targets, path, ...rest }: RouteRule): RouteKeys {
  return {
    ...rest,
    to: [...targets],
    ...(path === undefined ? {} : { rewrite: path }),
  } as RouteKeys;
}

/** One route. The first of a list that fits a request decides. */
export const route = checked(
  Object.assign(
    z.codec(routeKeys, z.custom<RouteRule>(), { decode: toRule, encode: fromRule }),
    { shape: routeKeys.shape },
  ),
  function* (rule: RouteRule): Generator<Finding> {
    const { targets, redirect, mirror, path, sticky } = rule;
    if (targets.length > 0 && targets.every(({ weight }) => weight === 0)) {
      yield { path: ["to"], expectation: "has only weights of 0; nothing could be called" };
    }
    if (redirect !== undefined) {
      for (
        const [key, isSet] of [["to", targets.length > 0], ["mirror", mirror], [
          "rewrite",
          path,
        ]] as const
      ) {
        if (!isSet) continue;
        yield { path: [key], expectation: "has no effect beside redirect; leave one of them out" };
      }
    }
    if (sticky !== undefined && targets.length < 2) {
      yield { path: ["sticky"], expectation: "has no effect without two targets below to" };
    }
  },
);
