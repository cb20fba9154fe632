/** The first process of a container, seen from a second one of the same program in it. */

/** Sends it a signal. Shape: why that was not possible, or undefined. */
export function signalFirstProcess(name: Deno.Signal): string | undefined {
  try {
    // Another program could do anything with the signal, or die of it.
    if (Deno.readLinkSync("/proc/1/exe") !== Deno.execPath()) {
      return "the first process here is not mesher; send SIGUSR2 to the sidecar's process instead";
    }
    Deno.kill(1, name);
    return undefined;
  } catch (error) {
    return `the first process cannot be reached: ${
      error instanceof Error ? error.message : String(error)
    }`;
  }
}
