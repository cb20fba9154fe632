/** Finds out whether a traffic policy can be put into force, before any thread is given it. */
import type { FaultPolicy, RateLimit, TrafficPolicy } from "../../core/traffic.ts";
import { compileEgress } from "./egress.ts";
import { checkFault } from "./fault.ts";
import { compileMatch } from "./match.ts";
import { compileRoutes } from "./router.ts";

/**
 * Compiles everything in a policy that can be wrong in itself: rules, matches, faults, egress.
 *
 * Shape: one sentence for each place that is wrong; empty for a policy that can be used.
 */
export function trafficProblems(policy: TrafficPolicy): readonly string[] {
  const problems: string[] = [];
  const attempt = (where: string, compile: () => void): void => {
    try {
      compile();
    } catch (error) {
      problems.push(`${where}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const checkCommon = (
    where: string,
    { fault, rateLimits }: {
      readonly fault?: FaultPolicy;
      readonly rateLimits: readonly RateLimit[];
    },
  ): void => {
    if (fault !== undefined) attempt(`${where}, fault`, () => checkFault(fault));
    for (const { name, match } of rateLimits) {
      if (match !== undefined) {
        attempt(`${where}, rate limit ${JSON.stringify(name)}`, () => compileMatch(match, name));
      }
    }
  };
  const services = [
    ["every service", policy.fallback] as const,
    ...Object.entries(policy.services).map(([name, one]) => [`service ${name}`, one] as const),
  ];
  for (const [where, service] of services) {
    checkCommon(where, service);
    for (const rule of service.routes) {
      attempt(where, () => compileRoutes([rule]));
      checkCommon(`${where}, route ${JSON.stringify(rule.name)}`, {
        rateLimits: rule.rateLimits ?? [],
      });
    }
  }
  checkCommon("inbound", policy.inbound);
  attempt("egress", () => compileEgress(policy.egress));
  return problems;
}
