/** One rule in the form in which it is used: checked, compiled and with everything worked out before. */
import type {
  FaultPolicy,
  RateLimit,
  RetryPolicy,
  RouteRule,
  SubsetTags,
} from "../../core/traffic.ts";
import { checkFault } from "./fault.ts";
import { compileHeaderChanges, type HeaderPlan } from "./header_changes.ts";
import { compileMatch, type Matcher } from "./match.ts";
import { checkShare, inPlace, PolicyError } from "./policy_error.ts";
import {
  compilePathRewrite,
  compileRedirect,
  type Redirect,
  type TargetRewrite,
} from "./rewrite.ts";
import { describeSubset } from "./subset.ts";

/** Where a rule sends requests, or copies of them. */
export interface Target {
  /** Counts over all targets of a router, mirrors included: a place to keep what belongs to it. */
  readonly index: number;
  /** Undefined: the service called. */
  readonly service: string | undefined;
  /** Undefined: all of its endpoints. */
  readonly subset: SubsetTags | undefined;
  /** `version=1.1`, or `cart version=1.1` for another service. */
  readonly label: string;
  /** Share of the rule's requests, in [0, 1]; for a mirror the share that is copied. */
  readonly share: number;
}

export interface Route {
  /** Place among the rules. */
  readonly index: number;
  readonly name: string;
  /** Those with a weight. Empty: all endpoints of the service called. */
  readonly targets: readonly Target[];
  readonly mirror: Target | undefined;
  readonly fault: FaultPolicy | undefined;
  readonly timeoutMs: number | undefined;
  readonly retry: Partial<RetryPolicy> | undefined;
  readonly path: TargetRewrite | undefined;
  readonly requestHeaders: HeaderPlan | undefined;
  readonly responseHeaders: HeaderPlan | undefined;
  readonly redirect: Redirect | undefined;
  readonly rateLimits: readonly RateLimit[];
}

export interface CompiledRule {
  readonly route: Route;
  /** Undefined: every request. */
  readonly fits: Matcher | undefined;
}

/** Errors: PolicyError, which names the rule and what is wrong in it. */
export function compileRule(
  rule: RouteRule,
  { index, nextTarget }: { readonly index: number; readonly nextTarget: () => number },
): CompiledRule {
  return inPlace(`route ${JSON.stringify(rule.name)}`, () => {
    const { match, mirror, fault, path, redirect } = rule;
    if (fault !== undefined) inPlace("fault", () => checkFault(fault));
    if (mirror !== undefined) checkShare("the share of the mirror", mirror.share);
    const route: Route = {
      index,
      name: rule.name,
      targets: targetsOf(rule, nextTarget),
      mirror: mirror === undefined
        ? undefined
        : targetOf(mirror, { index: nextTarget(), share: mirror.share }),
      fault,
      timeoutMs: rule.timeoutMs,
      retry: rule.retry,
      path: path === undefined
        ? undefined
        : inPlace("path rewrite", () => compilePathRewrite(path)),
      requestHeaders: inPlace("request headers", () => compileHeaderChanges(rule.requestHeaders)),
      responseHeaders: inPlace(
        "response headers",
        () => compileHeaderChanges(rule.responseHeaders),
      ),
      redirect: redirect === undefined
        ? undefined
        : inPlace("redirect", () => compileRedirect(redirect)),
      rateLimits: rule.rateLimits ?? [],
    };
    const fits = match === undefined
      ? undefined
      : inPlace("match", () => compileMatch(match, rule.name));
    return { route, fits };
  });
}

function targetsOf(rule: RouteRule, nextTarget: () => number): readonly Target[] {
  for (const { weight } of rule.targets) {
    if (!(weight >= 0 && weight < Infinity)) {
      throw new PolicyError(`a target has the weight ${weight}; write a number, 0 or more`);
    }
  }
  const weighted = rule.targets.filter(({ weight }) => weight > 0);
  if (weighted.length === 0 && rule.targets.length > 0) {
    throw new PolicyError("all targets have the weight 0, so its requests could go nowhere");
  }
  const total = weighted.reduce((sum, { weight }) => sum + weight, 0);
  return weighted.map((target) =>
    targetOf(target, { index: nextTarget(), share: target.weight / total })
  );
}

function targetOf(
  { service, subset }: { readonly service?: string; readonly subset?: SubsetTags },
  { index, share }: { readonly index: number; readonly share: number },
): Target {
  const tags = subset !== undefined && Object.keys(subset).length > 0 ? subset : undefined;
  const part = describeSubset(tags);
  const label = service === undefined ? part : `${service} ${part}`;
  return { index, service, subset: tags, label, share };
}
