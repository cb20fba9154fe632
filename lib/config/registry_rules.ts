/** Rules over the keys about the registry: what is nothing by itself, and what says the same twice. */
import type { RuleFinding } from "./rules.ts";
import type { Config } from "./schema.ts";

/** What stops a start. */
export function* findRegistryContradictions(config: Config): Iterable<RuleFinding> {
  const { registryAccount, registryPassword, registryPasswordFile } = config;
  const password = registryPassword ?? registryPasswordFile;
  const passwordPath = registryPasswordFile === undefined
    ? "registry_password"
    : "registry_password_file";
  const pairs = [
    ["registry_account", registryAccount, passwordPath, password],
    ["registry_cert", config.registryCert, "registry_key", config.registryKey],
  ] as const;
  for (const [first, one, second, other] of pairs) {
    if ((one === undefined) === (other === undefined)) continue;
    const [path, set] = one === undefined ? [first, second] : [second, first];
    yield { path, expectation: `must be set because ${set} is; set both or neither` };
  }
}

/** What works, but hardly as meant. */
export function* findRegistryOddities(config: Config): Iterable<RuleFinding> {
  if (config.registryPassword !== undefined && config.registryPasswordFile !== undefined) {
    yield {
      path: "registry_password",
      expectation: "has no effect because registry_password_file is set; keep one of the two",
    };
  }
  if (config.otherApps.includes(config.app)) {
    yield {
      path: "other_apps",
      expectation: `names the own application ${config.app}, whose services are called without it`,
    };
  }
}
