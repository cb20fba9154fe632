/** Which keys of the original are about traffic, and which variables hold such keys. */
import type { Layer } from "../merge.ts";
import type { ConfigProblem } from "../problem.ts";

/** What the original's files and variables say, below and above the own file. */
export interface OriginalLayers {
  readonly below: readonly Layer[];
  readonly above: readonly Layer[];
  /** A key each that has no equal here. */
  readonly warnings: readonly ConfigProblem[];
  readonly problems: readonly ConfigProblem[];
}

export const noOriginal: OriginalLayers = { below: [], above: [], warnings: [], problems: [] };

/** One and the same part was written `cse.` by some versions and `servicecomb.` by others; both are read. */
const trafficKey = new RegExp(
  "^(?:(?:cse|servicecomb)\\.(?:" +
    "loadbalance|isolation|circuitBreaker|fallback|fallbackpolicy|flowcontrol|governance|handler\\.chain" +
    ")|servicecomb\\.(?:transport\\.failure|match|rateLimiting|routeRule|darklaunch))\\.",
);

/** Whether a key is one of those that are translated. */
export function isTrafficKey(key: string): boolean {
  return trafficKey.test(key);
}

/**
 * The key that a variable stands for.
 *
 * Shape: a name with dots is the key itself; without, underscores stand for the dots. Letters keep their case.
 */
export function keyOfVariable(name: string): string {
  return name.includes(".") ? name : name.replaceAll("_", ".");
}

export function isOriginalVariable(name: string): boolean {
  return /^(?:cse|servicecomb)[._]/.test(name) && isTrafficKey(keyOfVariable(name));
}
