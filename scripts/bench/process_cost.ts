/** What a process has used so far, as Linux counts it. */

/** Clock ticks per second in /proc; the kernel shows 100 whatever it runs at. */
const ticksPerSecond = 100;

/**
 * Processor time of all threads of a process, user and system.
 *
 * Units: microseconds, in steps of 10,000. Shape: undefined where there is no /proc.
 */
export async function cpuUs(pid: number): Promise<number | undefined> {
  const text = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => undefined);
  return text === undefined ? undefined : parseStat(text);
}

/** Shape: pure. The program's name may hold spaces and brackets, so fields count from its last bracket. */
export function parseStat(text: string): number {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 1_000_000 / ticksPerSecond;
}

/** Resident memory. Units: KiB. */
export async function rssKib(pid: number): Promise<number | undefined> {
  const text = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(text);
  return match ? Number(match[1]) : undefined;
}

/** Time that the machine's host gave to others, and all time, since its start. Units: ticks. */
export async function stealTicks(): Promise<{ readonly steal: number; readonly total: number }> {
  const text = await Deno.readTextFile("/proc/stat").catch(() => "");
  const numbers = (text.split("\n")[0] ?? "").split(/\s+/).slice(1, 9).map(Number);
  return { steal: numbers[7] ?? 0, total: numbers.reduce((sum, one) => sum + one, 0) };
}
