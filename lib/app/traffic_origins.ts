/** The traffic policies in force as the configuration spells them, and where each of their values came from. */
import { isTree, type Tree } from "../config/paths.ts";
import { toPublicForm } from "../config/print.ts";
import type { ConfigSource } from "../config/problem.ts";
import type { Config } from "../config/schema.ts";

/** The keys of one policy with their origins: `default`, `file:...`, `environment:...`, `flag:...`, `admin`. */
export interface PolicyOrigins {
  /** File form, secrets masked. */
  readonly policy: Tree;
  /** By path below the policy: `retry.max_attempts`. */
  readonly origins: Readonly<Record<string, string>>;
}

/** The policies of one sidecar. */
export interface TrafficOrigins {
  /** Services of which nothing is said. */
  readonly fallback: PolicyOrigins;
  readonly services: Readonly<Record<string, PolicyOrigins>>;
  readonly provider: PolicyOrigins;
  readonly egress: PolicyOrigins;
}

export type Sources = Readonly<Record<string, ConfigSource>>;

/** Keys of the top level that make the policy of a service; of `timeouts` only the one that is a service's. */
export const serviceGroups = [
  "balance",
  "outlier",
  "retry",
  "timeouts",
  "breaker",
  "concurrency",
  "rate_limits",
  "fault",
  "routes",
] as const;

/** Every policy of a configuration with the origin of every value. */
export function trafficOrigins(config: Config, sources: Sources): TrafficOrigins {
  const file = toPublicForm(config);
  return {
    fallback: serviceOrigins(config, sources),
    services: Object.fromEntries(
      Object.keys(config.services).map((name) => [name, serviceOrigins(config, sources, name)]),
    ),
    provider: described({ provider: file["provider"] }, (path) => sources[path]),
    egress: described(
      { egress: file["egress"], egress_rules: file["egress_rules"] },
      (path) => sources[path],
    ),
  };
}

/** What holds for calls to one service, also when nothing is said of it. */
export function serviceOrigins(config: Config, sources: Sources, name?: string): PolicyOrigins {
  const file = toPublicForm(config);
  const services = file["services"] as Tree;
  const own = name !== undefined && Object.hasOwn(services, name) ? services[name] as Tree : {};
  const policy = Object.fromEntries(serviceGroups.map((key) => {
    const inherited = key === "timeouts"
      ? { response: (file[key] as Tree)["response"] }
      : file[key];
    const said = own[key];
    return [key, isTree(inherited) ? { ...inherited, ...said as Tree } : said ?? inherited];
  }));
  return described(policy, (path) => sources[`services.${name}.${path}`] ?? sources[path]);
}

function described(
  policy: Tree,
  sourceOf: (path: string) => ConfigSource | undefined,
): PolicyOrigins {
  const origins: [string, string][] = [];
  const visit = (value: unknown, path: string) => {
    if (!isTree(value)) return void origins.push([path, originText(sourceOf(path))]);
    for (const [key, below] of Object.entries(value)) {
      visit(below, path === "" ? key : `${path}.${key}`);
    }
  };
  visit(policy, "");
  return { policy, origins: Object.fromEntries(origins) };
}

/** In one word where possible: what set a value. */
function originText(source: ConfigSource | undefined): string {
  if (source === undefined) return "unknown";
  const { kind, name } = source;
  return kind === "default" || kind === "admin" ? kind : `${kind}:${name}`;
}
