/** Where a sidecar keeps its small files when nothing is configured. */

/**
 * The folder `mesher` in the platform's cache folder.
 *
 * Shape: pure; undefined when the environment names neither a cache folder nor a home.
 * Source: the XDG base directory specification, which asks for relative paths to be ignored.
 */
export function defaultStateDir(
  env: (name: string) => string | undefined,
  os: typeof Deno.build.os,
): string | undefined {
  if (os === "windows") {
    const local = env("LOCALAPPDATA");
    return local ? `${local}\\mesher` : undefined;
  }
  const home = env("HOME");
  if (os === "darwin") return home ? `${home}/Library/Caches/mesher` : undefined;
  const cache = env("XDG_CACHE_HOME");
  if (cache?.startsWith("/")) return `${cache}/mesher`;
  return home ? `${home}/.cache/mesher` : undefined;
}
