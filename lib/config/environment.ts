/** Reads environment variables: the own ones by rule, those of the original by a table. */
import { leafPaths, variableOf } from "./paths.ts";
import type { ConfigProblem, ConfigSource } from "./problem.ts";
import { closest } from "../core/closest.ts";

/** One value that was set outside the file. */
export interface Setting {
  readonly path: string;
  readonly value: string;
  readonly source: ConfigSource;
}

/** Variables of the original program, first wins. The own variable wins over all of them. */
const aliases: Readonly<Record<string, readonly string[]>> = {
  service: ["SERVICE_NAME", "CAS_COMPONENT_NAME"],
  app: ["APP_ID", "CAS_APPLICATION_NAME"],
  version: ["VERSION", "CAS_INSTANCE_VERSION"],
  environment: ["ENVIRONMENT"],
  ports: ["SERVICE_PORTS"],
  properties: ["MD"],
  registry_project: ["CSE_PROJECT_ID"],
  registry: ["PAAS_CSE_SC_ENDPOINT", "PAAS_CSE_ENDPOINT", "CSE_REGISTRY_ADDR"],
};

/** Names the file instead of a value in it. */
export const fileVariable = "MESHER_CONFIG";

/** What Kubernetes appends to the name of a service. */
const linkEnding = /^(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_\w+)?)$/;

/**
 * The variables that Kubernetes made. It sets some for every service of the namespace, and for one called mesher or
 * mesher-something they begin like ours; nobody wrote them, so they are no mistakes. It always sets the host.
 */
function serviceLinks(names: readonly string[]): ReadonlySet<string> {
  const services = names.flatMap((name) => /^(MESHER\w*)_SERVICE_HOST$/.exec(name)?.[1] ?? []);
  return new Set(
    names.filter((name) =>
      services.some((service) =>
        name.startsWith(`${service}_`) && linkEnding.test(name.slice(service.length + 1))
      )
    ),
  );
}

/**
 * Takes from the environment what sets a key.
 *
 * Shape: an empty variable counts as not set. Every other variable that begins with MESHER_ and is no key is a
 * problem, shown without its value because it may be a misspelt secret.
 */
export function readEnvironment(
  env: Readonly<Record<string, string>>,
): { readonly settings: readonly Setting[]; readonly problems: readonly ConfigProblem[] } {
  const settings: Setting[] = [];
  const known = new Set([fileVariable]);
  for (const path of leafPaths) {
    const own = variableOf(path);
    known.add(own);
    const name = [own, ...aliases[path] ?? []].find((name) => (env[name] ?? "").trim() !== "");
    if (name === undefined) continue;
    const source: ConfigSource = name === own
      ? { kind: "environment", name }
      : { kind: "environment", name, aliasOf: own };
    settings.push({ path, value: env[name]!.trim(), source });
  }
  const problems: ConfigProblem[] = [];
  const names = Object.keys(env).filter((name) => name.startsWith("MESHER_"));
  const links = serviceLinks(names);
  for (const name of names) {
    if (known.has(name) || links.has(name)) continue;
    const near = closest(name.slice(7), [...known].map((name) => name.slice(7)));
    problems.push({
      path: name,
      expectation: "is not a variable of mesher",
      source: "the environment",
      ...(near === undefined ? {} : { suggestion: `MESHER_${near}` }),
    });
  }
  return { settings, problems };
}
