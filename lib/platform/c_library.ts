/** The C library, for the few calls that Deno does not offer. */

/**
 * Opens it with the functions that are named.
 *
 * Shape: undefined off Linux, with another C library than glibc, and without the permission for foreign functions.
 */
export function openCLibrary<Functions extends Deno.ForeignLibraryInterface>(
  functions: Functions,
): Deno.DynamicLibrary<Functions>["symbols"] | undefined {
  if (Deno.build.os !== "linux") return undefined;
  try {
    return Deno.dlopen("libc.so.6", functions).symbols;
  } catch {
    return undefined;
  }
}
