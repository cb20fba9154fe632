/** The variables that send a program's calls through a proxy: meant for the application, never for the sidecar. */

const names = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"].flatMap((name) => [
  name,
  name.toUpperCase(),
]);

/**
 * Takes them out of the own environment, before the first call: one that names this sidecar would send its questions to
 * the registry through itself.
 */
export function ignoreProxyVariables(): void {
  for (const name of names) Deno.env.delete(name);
}

/** Those of an environment as it was, for the application. */
export function proxyVariables(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of names) if (env[name] !== undefined) kept[name] = env[name];
  return kept;
}
