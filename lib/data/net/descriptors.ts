/** How many of the process's descriptors connections may take, so that endpoints and control always find some. */

/** Bounds on descriptor numbers; Infinity for none. */
export interface DescriptorBounds {
  /** At and above it no further client is accepted: the rest is for connections to endpoints. */
  readonly accept: number;
  /** At and above it no endpoint is dialled: the rest is for the registry, the admin API, names and files. */
  readonly dial: number;
}

/** Largest shares that are held back, however many descriptors there are. */
const mostForEndpoints = 4096;
const mostForControl = 64;

/** Shape: pure. `limit` is how many descriptors the process may have open; undefined where that is not known. */
export function descriptorBounds(limit: number | undefined): DescriptorBounds {
  if (limit === undefined) return { accept: Infinity, dial: Infinity };
  return {
    accept: limit - Math.min(mostForEndpoints, Math.floor(limit / 4)),
    dial: limit - Math.min(mostForControl, Math.floor(limit / 8)),
  };
}

/** How many descriptors this process may have open. Shape: undefined where the system does not tell. */
export function descriptorLimit(): number | undefined {
  if (Deno.build.os !== "linux") return undefined;
  try {
    return parseLimits(Deno.readTextFileSync("/proc/self/limits"));
  } catch {
    return undefined;
  }
}

/** Shape: pure; takes the text of /proc/PID/limits. */
export function parseLimits(text: string): number | undefined {
  const found = /^Max open files\s+(\d+)/m.exec(text);
  return found === null ? undefined : Number(found[1]);
}

/** Whether a failed call met the limit of descriptors. */
export function outOfDescriptors(error: unknown): boolean {
  const code = (error as { readonly code?: unknown } | null)?.code;
  return code === "EMFILE" || code === "ENFILE";
}

/** What a client is told when its endpoint cannot be dialled for want of a descriptor. */
export const noDescriptors =
  "the sidecar has no file descriptor left for another connection; raise its limit of open files";
