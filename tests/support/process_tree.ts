/** What Linux tells of processes: their children and their memory. */

/** Memory held by a process, as Linux counts it. Units: bytes. */
export function residentBytes(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`));
  return Number(found![1]) * 1024;
}

/** Direct children of a process. */
export function childrenOf(pid: number): readonly number[] {
  try {
    // A child belongs to the thread that started it.
    return [...Deno.readDirSync(`/proc/${pid}/task`)].flatMap(({ name }) =>
      Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`).split(" ")
        .filter((part) => part.trim() !== "").map(Number)
    );
  } catch {
    return [];
  }
}

/** All below a process, the lowest first. */
export function descendants(pid: number): readonly number[] {
  return childrenOf(pid).flatMap((child) => [...descendants(child), child]);
}

/** Sends a signal to a process that may have ended in the meantime. */
export function tryKill(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch {
    // It has ended in the meantime.
  }
}
