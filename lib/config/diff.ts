/** Compares two configurations and says which changes a running sidecar cannot take over. */
import { leafPaths, valueAt } from "./paths.ts";
import { toFileForm } from "./print.ts";
import type { Config } from "./schema.ts";

/**
 * Paths whose change needs a new process: what is opened once (listeners, threads), and what the own record in
 * the registry is made of.
 */
export const restartPaths: ReadonlySet<string> = new Set([
  "service",
  "app",
  "version",
  "environment",
  "ports",
  "properties",
  "allow_cross_app",
  "other_apps",
  "schemas",
  "registry",
  "registry_account",
  "registry_password",
  "registry_password_file",
  "registry_ca",
  "registry_cert",
  "registry_key",
  "registry_project",
  "registry_tenant",
  "registry_listen",
  "outbound",
  "admin",
  "inbound",
  "advertise",
  "state_dir",
  "threads",
  "net",
  "hostname",
  "region",
  "zone",
  "discovery.timeout",
  "discovery.watch",
  "discovery.snapshot_max_age",
  "heartbeat.interval",
  "heartbeat.times",
]);

/** The paths whose values differ, in the order of the schema; below `services` the names of the services. */
export function diffConfig(old: Config, fresh: Config): readonly string[] {
  const before = toFileForm(old);
  const after = toFileForm(fresh);
  const differs = (keys: readonly string[]) =>
    JSON.stringify(valueAt(before, keys)) !== JSON.stringify(valueAt(after, keys));
  return leafPaths.flatMap((path) => {
    const keys = path.split(".");
    if (!differs(keys)) return [];
    if (path !== "services") return [path];
    const names = new Set([...Object.keys(old.services), ...Object.keys(fresh.services)]);
    return [...names].filter((name) => differs([path, name])).map((name) => `${path}.${name}`);
  });
}

/** Those of the paths that only a restart can apply. */
export function needsRestart(paths: readonly string[]): readonly string[] {
  return paths.filter((path) => restartPaths.has(path));
}
