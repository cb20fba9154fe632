/** What Linux tells of processes: their children, their memory, and what else they use. */

/** Memory held by a process, as Linux counts it. Units: bytes. */
export function residentBytes(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`));
  return Number(found![1]) * 1024;
}

/** Processor time that all threads of a process have used, user and system. Units: milliseconds, in steps of 10. */
export function processorMs(pid: number): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The program's name may hold spaces and brackets, so fields count from its last bracket.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** How many files, sockets and pipes a process has open. */
export function descriptorsOf(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
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
