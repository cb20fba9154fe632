/** What the system says of this process: memory, processor time, descriptors. */
import { type Descriptors, openDescriptors } from "./descriptors.ts";

/** Shape: undefined where the platform does not tell. */
export interface ProcessStats {
  readonly residentBytes: number;
  readonly cpuSeconds: number | undefined;
  readonly openFds: number | undefined;
  readonly maxFds: number | undefined;
}

/** Reads them anew with each call. Shape: the system's library is opened with the first. */
export function createProcessStats(): () => ProcessStats {
  let descriptors: Descriptors | undefined;
  return () => {
    descriptors ??= openDescriptors();
    return {
      residentBytes: Deno.memoryUsage().rss,
      cpuSeconds: descriptors.cpuSeconds(),
      openFds: descriptors.open(),
      maxFds: descriptors.most(),
    };
  };
}
