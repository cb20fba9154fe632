/** What the admin API shows and changes of the traffic policies of a running sidecar. */
import { diffConfig } from "../config/diff.ts";
import type { LoadResult } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import { withoutSecrets } from "../config/secrets.ts";
import type { PoliciesView, PolicyAnswer, PolicyPlace } from "../control/api/policies.ts";
import { overridableGroups, type Overrides } from "./overrides.ts";
import { serviceOrigins, trafficOrigins } from "./traffic_origins.ts";
import type { Config } from "../config/schema.ts";

/** The parts of a sidecar that policies are about. */
export interface PolicyHolder {
  readonly config: Config;
  readonly overrides: Overrides;
  /** Puts a configuration in force that differs in policies only. */
  applyPolicies(config: Config, changed: readonly string[]): void;
}

export function policiesView(holder: PolicyHolder): PoliciesView {
  const { overrides } = holder;
  const change = (result: LoadResult): PolicyAnswer => {
    if (!result.ok) {
      return {
        ok: false,
        mistakes: result.problems.map((problem) => ({
          where: problem.path,
          problem: formatProblem(problem),
        })),
      };
    }
    const changed = diffConfig(holder.config, result.config);
    if (changed.length > 0) holder.applyPolicies(result.config, changed);
    return { ok: true, changed };
  };
  const override = (place: PolicyPlace) => {
    const value = overrides.at(place);
    if (value === undefined) return {};
    return { override: withoutSecrets({ value })["value"] };
  };
  return {
    groups: overridableGroups,
    all: () => ({
      ...trafficOrigins(holder.config, overrides.sources),
      overrides: withoutSecrets(overrides.changes),
    }),
    service: (name) => ({
      service: name,
      ...serviceOrigins(holder.config, overrides.sources, name),
      ...override({ kind: "service", name }),
    }),
    provider: () => ({
      ...trafficOrigins(holder.config, overrides.sources).provider,
      ...override({ kind: "provider" }),
    }),
    put: (place, value) => change(overrides.put(place, value)),
    remove: (place) =>
      overrides.at(place) === undefined ? undefined : change(overrides.remove(place)),
  };
}
