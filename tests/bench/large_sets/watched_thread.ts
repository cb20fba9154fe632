/**
 * A data thread that tells how long its turns were: what it did between two waits, in which nobody was served. The time
 * that it had a processor for tells its own work from that of others on a busy machine.
 */
import { DataPlane } from "../../../lib/data/plane.ts";
import "../../../lib/data/thread.ts";

/** What a thread tells once a second. Units: milliseconds, MiB. */
export interface Turns {
  readonly longestMs: number;
  readonly over2: number;
  readonly over10: number;
  /** The same of the time on a processor; 0 where the system does not tell. */
  readonly busiestMs: number;
  readonly busyOver10: number;
  readonly heapMiB: number;
}

interface Waiting {
  epollWait(...of: readonly unknown[]): number;
}

const scope = self as unknown as { postMessage(message: unknown): void };
const { turned } = DataPlane.prototype;
let watched = false;
let longestMs = 0;
let over2 = 0;
let over10 = 0;
let busiestMs = 0;
let busyOver10 = 0;
let toldAtMs = 0;

DataPlane.prototype.turned = function (nowMs: number): void {
  const { net } = this.context;
  if (!watched && "libc" in net) watch(net as unknown as { libc: Waiting });
  turned.call(this, nowMs);
  if (nowMs - toldAtMs < 1000) return;
  toldAtMs = nowMs;
  const heapMiB = Math.round(Deno.memoryUsage().heapUsed / 2 ** 20);
  const turns: Turns = { longestMs, over2, over10, busiestMs, busyOver10, heapMiB };
  scope.postMessage({ kind: "trouble", message: JSON.stringify(turns) });
  longestMs =
    over2 =
    over10 =
    busiestMs =
    busyOver10 =
      0;
};

/** How long this thread has had a processor. Units: milliseconds; 0 where the system does not tell. */
function busyMs(): number {
  try {
    return Number(Deno.readTextFileSync("/proc/thread-self/schedstat").split(" ")[0]) / 1e6;
  } catch {
    return 0;
  }
}

function watch({ libc }: { readonly libc: Waiting }): void {
  watched = true;
  const wait = libc.epollWait.bind(libc);
  let backAtMs = performance.now();
  let busyAtMs = busyMs();
  libc.epollWait = (...of) => {
    const tookMs = performance.now() - backAtMs;
    if (tookMs > longestMs) longestMs = tookMs;
    if (tookMs > 2) over2++;
    if (tookMs > 10) over10++;
    const wasBusyMs = busyMs() - busyAtMs;
    if (wasBusyMs > busiestMs) busiestMs = wasBusyMs;
    if (wasBusyMs > 10) busyOver10++;
    const count = wait(...of);
    backAtMs = performance.now();
    busyAtMs = busyMs();
    return count;
  };
}
