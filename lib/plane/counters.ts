/**
 * The layout of one thread's counters in shared memory: one writer per slot, read by control at any time.
 *
 * A metric costs its writer one addition to an array slot; names and labels are put on by the reader.
 */
import { failureCodes } from "../core/errors.ts";

/** Upper bounds of the latency histogram. Units: seconds. The last bucket, +Inf, is the count. */
export const latencyBounds: readonly number[] = [
  0.0001,
  0.00025,
  0.0005,
  0.001,
  0.0025,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
  30,
  60,
];

/** Blocks with a fixed meaning; services follow from `firstServiceBlock`. */
export const blocks = { none: 0, inbound: 1, outside: 2 } as const;
export const firstServiceBlock = 3;
/** Services beyond this many share the block `none`; bounds memory and label values. */
export const maxBlocks = 1024;

/** Offsets inside a block. */
export const slot = {
  /** Five slots, status 1xx to 5xx, counted when the response head is sent. */
  status: 0,
  /** One slot per failure code, in table order. */
  failure: 5,
  requests: 5 + failureCodes.length,
  attempts: 6 + failureCodes.length,
  retries: 7 + failureCodes.length,
  /** Requests sent again at once because a pooled connection had died. */
  resends: 8 + failureCodes.length,
  retriesDenied: 9 + failureCodes.length,
  /** Gauge: requests begun and not finished. */
  open: 10 + failureCodes.length,
  requestBytes: 11 + failureCodes.length,
  responseBytes: 12 + failureCodes.length,
  latencySum: 13 + failureCodes.length,
  latencyCount: 14 + failureCodes.length,
  /** One slot per bound, not cumulative. */
  latency: 15 + failureCodes.length,
} as const;

export const blockSlots = 64;

/** Slots of the thread itself, before the blocks. */
export const threadSlot = {
  clientsAccepted: 0,
  clientsOpen: 1,
  upstreamsDialled: 2,
  upstreamsIdle: 4,
  tunnelsOpen: 5,
  loopTurns: 6,
  /** Monotonic time of the newest turn, ms; a stuck thread is seen by it. */
  loopAtMs: 7,
  acceptPauses: 8,
  endpointsEjected: 9,
  inboundOpen: 10,
  splicedBytes: 11,
} as const;
export const threadSlots = 32;

export const counterBytes = (threadSlots + maxBlocks * blockSlots) * Float64Array.BYTES_PER_ELEMENT;

const threadGauges = new Set<number>([
  threadSlot.clientsOpen,
  threadSlot.upstreamsIdle,
  threadSlot.tunnelsOpen,
  threadSlot.loopAtMs,
  threadSlot.inboundOpen,
]);

/** Whether a slot holds a present state rather than a sum; it ends with its thread. */
export function isGauge(index: number): boolean {
  if (index < threadSlots) return threadGauges.has(index);
  return (index - threadSlots) % blockSlots === slot.open;
}

/** First slot of a block. */
export function blockBase(block: number): number {
  return threadSlots + block * blockSlots;
}
