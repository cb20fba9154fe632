/** The doctor where no sidecar answers: looks at what one would meet if it were started here. */
import type { Address } from "../../core/address.ts";
import type { LoadResult } from "../../config/load.ts";
import { formatProblem } from "../../config/problem.ts";
import type { Config } from "../../config/schema.ts";
import type { Diagnosis } from "../../control/api/shapes/doctor.ts";
import { fine, note, problem } from "./diagnosis.ts";
import { judgeState } from "./host_check.ts";
import { judgeProxy } from "./proxy_check.ts";
import { judgeRegistryFile } from "./registry_check.ts";
import {
  type DoctorEffects,
  judgeListener,
  look,
  lookAtApplication,
  lookAtDescriptors,
  lookAtDns,
  lookAtKeepAlive,
  lookAtRegistry,
  registryAddresses,
} from "./surroundings.ts";

export interface OutsideEffects extends DoctorEffects {
  /** Shape: why it is not possible, or undefined. */
  readonly tryToListen: (address: Address) => string | undefined;
  /** Undefined when there is no such file. Errors: what the system says. */
  readonly readFile: (path: string) => Promise<string | undefined>;
}

export interface OutsideFacts {
  readonly config: LoadResult;
  readonly env: Readonly<Record<string, string>>;
  /** Where it would be kept what is known. */
  readonly stateDir: (config: Config) => string | undefined;
  /** Why no sidecar could be asked. */
  readonly why: string;
}

/** Whether the configuration is one that a sidecar starts with. Shape: pure. */
function judgeConfiguration(result: LoadResult): readonly Diagnosis[] {
  const check = "configuration";
  if (!result.ok) {
    return result.problems.map((one) =>
      problem(check, formatProblem(one), "correct it; mesher check shows the whole")
    );
  }
  const warnings = result.warnings.map((one) => note(check, formatProblem(one)));
  return warnings.length > 0 ? warnings : [fine(check, "it has no mistakes")];
}

/** Shape: never rejects; in a fixed order. */
export async function examineOutside(
  { config: loaded, env, stateDir, why }: OutsideFacts,
  effects: OutsideEffects,
): Promise<readonly Diagnosis[]> {
  const absent = problem(
    "sidecar",
    why,
    "start it, or name its admin address by --admin; what follows was looked at without one",
  );
  const configuration = judgeConfiguration(loaded);
  const shell = (config?: Config) =>
    judgeProxy({
      env,
      outbound: config?.outbound,
      inbound: config?.service === undefined ? undefined : config.inbound,
      admin: config?.admin,
      services: [],
    });
  if (!loaded.ok) return [absent, ...configuration, ...shell()];
  const { config } = loaded;
  const addresses = registryAddresses(config);
  const serves = config.registry.kind === "auto" || config.registry.kind === "embedded";
  const looks = await Promise.all([
    // Where nothing is configured the sidecar itself serves the registry: none is missing while none runs.
    addresses === undefined
      ? look("registry", () => file(config, effects))
      : serves
      ? []
      : lookAtRegistry(addresses, effects),
    lookAtDns(config, addresses ?? [], effects),
    lookAtApplication(config, effects),
    lookAtKeepAlive(config, effects),
    lookAtDescriptors(config, effects, {
      chosen: loaded.sources["limits.connections"]?.kind !== "default",
      own: false,
    }),
    look("state folder", () => folder(stateDir(config), effects)),
  ]);
  return [
    absent,
    ...configuration,
    ...listeners(config, effects),
    ...looks.flat(),
    ...shell(config),
  ];
}

function listeners(config: Config, { tryToListen }: OutsideEffects): readonly Diagnosis[] {
  const wanted: readonly (readonly [string, Address])[] = [
    ["outbound", config.outbound],
    ["admin", config.admin],
    ...config.service === undefined ? [] : [["inbound", config.inbound] as const],
  ];
  const found = wanted.flatMap(([key, address]) =>
    judgeListener(key, { address, taken: tryToListen(address) })
  );
  return found.length > 0 ? found : [fine("listeners", "the sidecar's ports are free")];
}

async function file(config: Config, { readFile }: OutsideEffects): Promise<readonly Diagnosis[]> {
  const path = config.registry.kind === "file" ? config.registry.path : "";
  let error: string | undefined;
  try {
    if (await readFile(path) === undefined) error = "there is no such file";
  } catch (cause) {
    error = cause instanceof Error ? cause.message : String(cause);
  }
  return [judgeRegistryFile({ path, error })];
}

async function folder(
  path: string | undefined,
  { clock, tryToWrite }: OutsideEffects,
): Promise<readonly Diagnosis[]> {
  return [judgeState({
    folder: path,
    unwritable: path === undefined ? undefined : await tryToWrite(path),
    disk: undefined,
    now: clock.wall(),
    services: 0,
    uptimeMs: 0,
  })];
}
