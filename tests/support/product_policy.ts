/** The policy of a data plane as the product ships it, for tests of what it does by itself. */
import { dataPolicy } from "../../lib/app/policy.ts";
import { loadConfig } from "../../lib/config/load.ts";
import type { PolicyChanges } from "./policy.ts";

/** Shape: every default of the configuration, as changes of the tests' own policy. */
export async function productPolicy(): Promise<PolicyChanges> {
  const loaded = await loadConfig({
    flags: {},
    env: {},
    readFile: () => Promise.resolve(undefined),
  });
  if (!loaded.ok) throw new Error("the defaults are refused");
  const policy = dataPolicy(loaded.config, { revision: 1, ownAddresses: [], threads: 1 });
  const { ejectMs, limits, timeouts, traffic } = policy;
  const { fault: _, ...calls } = traffic.fallback;
  return { calls, ejectMs, limits, timeouts };
}
