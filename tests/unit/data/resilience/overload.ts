/** A slow application behind a concurrency limit and a line, as a simulation with a clock of its own. */
import type { ConcurrencyPolicy } from "../../../../lib/core/traffic.ts";
import { ConcurrencyLimit } from "../../../../lib/data/resilience/concurrency.ts";
import { Waiter, WaitingLine } from "../../../../lib/data/resilience/queue.ts";
import type { Seeded } from "../../../support/seeded.ts";

/** Units: milliseconds, requests a second. */
export interface Load {
  readonly policy: ConcurrencyPolicy;
  /** Requests that the application works on at a time; the others wait inside it, where nobody sees them. */
  readonly workers: number;
  readonly serviceMs: (atMs: number, random: Seeded) => number;
  readonly perSecond: (atMs: number) => number;
  /** Callers leave after this time; the application works on for nobody. */
  readonly patienceMs: number;
  /** A caller who leaves is seen to leave, and makes room; else only the late answer shows it. */
  readonly seenLeaving?: boolean;
  readonly forMs: number;
  /** What happens before counts for nothing. */
  readonly warmUpMs: number;
}

export interface Outcome {
  readonly offered: number;
  /** Answered while the caller still waited. */
  readonly good: number;
  readonly refused: number;
  /** Of those that were let in, whether or not their caller was still there. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly limit: number;
}

interface Call {
  readonly arrivedMs: number;
  readonly serviceMs: number;
  sentMs: number;
  left: boolean;
}

/** Runs arrivals at random against the application. Shape: the same numbers for the same seed. */
export function overload(load: Load, random: Seeded): Outcome {
  const limit = new ConcurrencyLimit(load.policy);
  const line = new WaitingLine(load.policy);
  const backlog: Call[] = [];
  const running = new Set<{ readonly endMs: number; readonly call: Call }>();
  const times: number[] = [];
  let open = 0, offered = 0, good = 0, refused = 0, nowMs = 0;
  const counts = (call: Call) => call.arrivedMs >= load.warmUpMs;
  const start = (call: Call) => running.add({ endMs: nowMs + call.serviceMs, call });
  const send = (call: Call) => {
    open++;
    call.sentMs = nowMs;
    sent.push(call);
    if (running.size < load.workers) start(call);
    else backlog.push(call);
  };
  const refuse = (call: Call) => {
    if (counts(call)) refused++;
  };
  const makeRoom = () => {
    while (line.length > 0 && limit.enter(open) && line.take(nowMs));
  };
  const finish = (call: Call) => {
    if (call.left) return;
    call.left = true;
    open--;
    const tookMs = nowMs - call.arrivedMs;
    limit.leave(nowMs - call.sentMs, tookMs <= load.patienceMs);
    if (counts(call)) {
      times.push(tookMs);
      if (tookMs <= load.patienceMs) good++;
    }
    makeRoom();
  };
  /** Those that were sent, in their order: whoever came first leaves first. */
  const sent: Call[] = [];
  let waiting = 0;
  const leave = (untilMs: number) => {
    if (load.seenLeaving !== true) return;
    for (; waiting < sent.length; waiting++) {
      const call = sent[waiting]!;
      if (call.left) continue;
      if (call.arrivedMs + load.patienceMs > untilMs) return;
      nowMs = Math.max(nowMs, call.arrivedMs + load.patienceMs);
      call.left = true;
      open--;
      limit.left(nowMs - call.sentMs);
      if (counts(call)) times.push(load.patienceMs);
      makeRoom();
    }
  };
  let nextMs = 0;
  while (nowMs < load.forMs) {
    let first: { readonly endMs: number; readonly call: Call } | undefined;
    for (const one of running) if (first === undefined || one.endMs < first.endMs) first = one;
    leave(Math.min(first?.endMs ?? Infinity, nextMs));
    if (first !== undefined && first.endMs <= nextMs) {
      nowMs = first.endMs;
      running.delete(first);
      const next = backlog.shift();
      if (next !== undefined) start(next);
      finish(first.call);
      continue;
    }
    nowMs = nextMs;
    nextMs = nowMs - Math.log(1 - random()) * 1000 / load.perSecond(nowMs);
    line.expire(nowMs);
    const call = {
      arrivedMs: nowMs,
      serviceMs: load.serviceMs(nowMs, random),
      sentMs: nowMs,
      left: false,
    };
    if (counts(call)) offered++;
    if (limit.enter(open) && line.length === 0) send(call);
    else {
      const waiter = new Waiter((outcome) => outcome === "turn" ? send(call) : refuse(call));
      if (!line.join(waiter, nowMs)) refuse(call);
    }
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(times.length * share)] ?? NaN;
  return { offered, good, refused, p50Ms: at(0.5), p99Ms: at(0.99), limit: limit.limit };
}
