/** From the keys of the original on traffic to the same in the words of this configuration. */
import type { Tree } from "../paths.ts";
import { translateCircuitBreaker } from "./circuit_breaker.ts";
import { translateFaults, translateTransportFailures } from "./faults.ts";
import { translateLoadBalancing } from "./load_balancing.ts";
import { translateFlowControl } from "./rate_limiting.ts";
import { type OwnIdentity, translateRules } from "./rules.ts";
import { type FlatKeys, Sheet } from "./sheet.ts";

/** What the keys mean here. */
export interface Translation {
  /** A part of a configuration, in file form. */
  readonly settings: Tree;
  /** `key: why` for each key that has no equal, or one that is not quite the same. */
  readonly warnings: readonly string[];
}

/**
 * Translates the keys of the original.
 *
 * Shape: pure; keys that are not about traffic are left alone. A wrong value is a warning and sets nothing. `own` is
 * who calls: some route rules are for certain callers only.
 */
export function translateOriginal(
  flat: FlatKeys,
  own: OwnIdentity = { app: "default" },
): Translation {
  const sheet = new Sheet(flat);
  translateLoadBalancing(sheet);
  translateCircuitBreaker(sheet);
  translateFlowControl(sheet);
  translateFaults(sheet);
  translateTransportFailures(sheet);
  translateRules(sheet, own);
  return sheet.finish();
}
