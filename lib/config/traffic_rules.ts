/** Rules over several keys of traffic policies, for all services and for each of which something is said. */
import type { RouteRule } from "../core/traffic.ts";
import type { RuleFinding } from "./rules.ts";
import type { Config } from "./schema.ts";
import type { ServiceKeys } from "./service_policies.ts";
import { type ServiceSettings, serviceSettings } from "./service_settings.ts";
import type { ConcurrencyKeys } from "./traffic_groups.ts";

type Step = string | number;

/** What is said in one place, and what then holds there. */
interface Place {
  readonly path: readonly Step[];
  readonly said: Readonly<Record<string, unknown>>;
  readonly settings: ServiceSettings;
}

function placesOf(config: Config): readonly Place[] {
  const each = Object.entries(config.services).map((
    [name, said]: [string, ServiceKeys],
  ): Place => ({
    path: ["services", name],
    said: said as Readonly<Record<string, unknown>>,
    settings: serviceSettings(config, said),
  }));
  return [{
    path: [],
    said: config as unknown as Readonly<Record<string, unknown>>,
    settings: serviceSettings(config),
  }, ...each];
}

/** What stops a start. */
export function* findTrafficContradictions(config: Config): Generator<RuleFinding> {
  for (const place of placesOf(config)) {
    const { path, said, settings } = place;
    const { balance, outlier, retry } = settings;
    // What is inherited is complained about where it is said, and only there.
    if (said["retry"] !== undefined && retry.baseDelayMs > retry.maxDelayMs) {
      yield {
        path: [...path, "retry", "base_delay"],
        expectation: "is longer than retry.max_delay",
      };
    }
    if (said["outlier"] !== undefined && outlier.baseEjectMs > outlier.maxEjectMs) {
      const expectation = "is longer than outlier.max_eject";
      yield { path: [...path, "outlier", "base_eject"], expectation };
    }
    if (
      said["balance"] !== undefined && balance.kind === "consistent_hash" && balance.hashOn === ""
    ) {
      const expectation =
        "must be set because balance.kind is consistent_hash; write for example header:x-user";
      yield { path: [...path, "balance", "hash_on"], expectation };
    }
    if (said["concurrency"] !== undefined) {
      yield* adaptiveBounds(settings.concurrency, [...path, "concurrency"]);
    }
    if (said["rateLimits"] !== undefined) {
      yield* repeatedNames(settings.rateLimits, [...path, "rate_limits"]);
    }
    if (said["routes"] !== undefined) {
      yield* repeatedNames(settings.routes, [...path, "routes"]);
      for (const [index, { rateLimits = [] }] of settings.routes.entries()) {
        yield* repeatedNames(rateLimits, [...path, "routes", index, "rate_limits"]);
      }
    }
  }
  yield* adaptiveBounds(config.provider.concurrency, ["provider", "concurrency"]);
  yield* repeatedNames(config.provider.rateLimits, ["provider", "rate_limits"]);
}

function* adaptiveBounds(
  { adaptive, limit, minLimit }: ConcurrencyKeys,
  path: readonly Step[],
): Generator<RuleFinding> {
  if (!adaptive) return;
  if (limit === 0) {
    const expectation = "must be set because adaptive is: it is the most that may be found";
    yield { path: [...path, "limit"], expectation };
  } else if (limit < minLimit) {
    yield { path: [...path, "min_limit"], expectation: "is more than limit" };
  }
}

function* repeatedNames(
  list: readonly { readonly name: string }[],
  path: readonly Step[],
): Generator<RuleFinding> {
  for (const [index, { name }] of list.entries()) {
    const first = list.findIndex((other) => other.name === name);
    if (first === index) continue;
    const expectation = `is the name ${
      JSON.stringify(name)
    } of entry ${first} too; give each its own`;
    yield { path: [...path, index, "name"], expectation };
  }
}

/** What works, but hardly as meant. */
export function* findTrafficOddities(config: Config): Generator<RuleFinding> {
  for (const { path, said, settings } of placesOf(config)) {
    if (said["routes"] === undefined) continue;
    const open = settings.routes.findIndex(fitsAll);
    if (open < 0 || open === settings.routes.length - 1) continue;
    yield {
      path: [...path, "routes", open + 1],
      expectation: `is never reached: ${settings.routes[open]!.name} before it fits every request`,
    };
  }
}

function fitsAll({ match }: RouteRule): boolean {
  return match === undefined || Object.keys(match).length === 0;
}
