/** Changes of traffic policies that were made at run time: they lie on top of every source, also over a reload. */
import { loadOverridden, type LoadResult } from "../config/load.ts";
import type { Merged } from "../config/merge.ts";
import type { Tree } from "../config/paths.ts";
import type { PolicyPlace } from "../control/api/policies.ts";
import { trafficProblems } from "../data/routing/check_traffic.ts";
import { trafficPolicy } from "./traffic_policy.ts";
import { serviceGroups, type Sources } from "./traffic_origins.ts";

/** The groups that can be changed as a whole. */
export const overridableGroups = [...serviceGroups, "egress", "egress_rules"] as const;

/** Keeps the changes and what they lie on. Who puts a new configuration in force is told by the answers. */
export class Overrides {
  #base: Merged;
  #changes: Tree = {};
  #sources: Sources;

  constructor(base: Merged) {
    this.#base = base;
    this.#sources = base.sources;
  }

  /** All changes, in file form. */
  get changes(): Tree {
    return this.#changes;
  }

  /** What set every key of the configuration in force. */
  get sources(): Sources {
    return this.#sources;
  }

  /** What another base would give with the changes on top. Shape: takes nothing over. */
  over(base: Merged): LoadResult {
    return usable(loadOverridden(base, this.#changes));
  }

  /** Takes over another base, after `over` has found it good. */
  settle(base: Merged): void {
    this.#base = base;
    this.#take(this.#changes);
  }

  /** The change that was made in one place; undefined when there is none. */
  at(place: PolicyPlace): unknown {
    return stepsOf(place).reduce<unknown>(
      (below, step) =>
        below !== undefined && Object.hasOwn(below as Tree, step)
          ? (below as Tree)[step]
          : undefined,
      this.#changes,
    );
  }

  /** Replaces the change of one place. Shape: whole and checked, or not at all. */
  put(place: PolicyPlace, value: unknown): LoadResult {
    return this.#take(withStep(this.#changes, stepsOf(place), value));
  }

  /** Takes the change of one place away. */
  remove(place: PolicyPlace): LoadResult {
    return this.#take(withStep(this.#changes, stepsOf(place), undefined));
  }

  #take(changes: Tree): LoadResult {
    const result = usable(loadOverridden(this.#base, changes));
    if (!result.ok) return result;
    this.#changes = changes;
    this.#sources = result.sources;
    return result;
  }
}

/** The configuration, unless the data plane could not use its policies. */
function usable(result: LoadResult): LoadResult {
  if (!result.ok) return result;
  const problems = trafficProblems(trafficPolicy(result.config)).map((problem) => ({
    path: "policies",
    expectation: `cannot be put in force: ${problem}`,
  }));
  return problems.length === 0 ? result : { ok: false, problems };
}

function stepsOf(place: PolicyPlace): readonly string[] {
  switch (place.kind) {
    case "service":
      return ["services", place.name];
    case "provider":
      return ["provider"];
    case "group":
      return [place.group];
  }
}

/** The tree with another value in one place. Shape: undefined takes it away, and what is empty above it. */
function withStep(tree: Tree, [step, ...deeper]: readonly string[], value: unknown): Tree {
  const others = Object.entries(tree).filter(([key]) => key !== step);
  const below = Object.hasOwn(tree, step!) ? tree[step!] as Tree : {};
  const inner = deeper.length === 0 ? value : withStep(below, deeper, value);
  const isGone = inner === undefined ||
    (deeper.length > 0 && Object.keys(inner as Tree).length === 0);
  return Object.fromEntries(isGone ? others : [...others, [step!, inner]]);
}
