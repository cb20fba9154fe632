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

/** Upper bounds of the histogram of the sidecar's own share of a request. Units: seconds. */
export const ownBounds: readonly number[] = [
  0.00001,
  0.000025,
  0.00005,
  0.0001,
  0.00025,
  0.0005,
  0.001,
  0.0025,
  0.005,
  0.01,
  0.05,
  0.25,
];

/** Why a request was sent once more, in slot order. `status`: the answer asked for it. `hedge`: it took long. */
export const retryReasons = [
  "connect_refused",
  "connect_timeout",
  "reset",
  "response_timeout",
  "status",
  "hedge",
] as const;
export type RetryReason = typeof retryReasons[number];

/** Why a failed request was not sent once more, in slot order. */
export const denialReasons = [
  "budget",
  "attempts",
  "not_idempotent",
  "body_consumed",
  "deadline",
] as const;
export type DenialReason = typeof denialReasons[number];

/** How many slots each quantity of a block takes, in order. */
export const slotWidths = {
  /** Status 1xx to 5xx, counted when the response head is sent. */
  status: 5,
  /** One slot per failure code, in table order. */
  failure: failureCodes.length,
  requests: 1,
  attempts: 1,
  /** One slot per retryReasons. */
  retry: retryReasons.length,
  /** One slot per denialReasons. */
  denial: denialReasons.length,
  /** Requests sent again at once because a pooled connection had died. */
  resends: 1,
  /** Gauge: requests begun and not finished. */
  open: 1,
  /** Gauge: requests that wait for their turn. */
  queued: 1,
  /** Gauge: what is left of the retry budget. */
  budget: 1,
  /** Gauge: 0 closed, 1 open, 2 trying. */
  breaker: 1,
  /** Gauge: requests that may be under way at a time; 0 for no limit. */
  limit: 1,
  /** Gauge: 1 while ejections are ignored because too many endpoints are out. */
  panic: 1,
  /** Endpoints taken out for failing. */
  ejections: 1,
  mirrored: 1,
  delayed: 1,
  requestBytes: 1,
  responseBytes: 1,
  latencySum: 1,
  latencyCount: 1,
  /** One slot per latencyBounds, not cumulative; so are the next two. */
  latency: latencyBounds.length,
  /** From the request's head to the first byte of its answer. */
  firstByteSum: 1,
  firstByteCount: 1,
  firstByte: latencyBounds.length,
  /** What of that time and of the answer's way back was spent in the sidecar itself. */
  ownSum: 1,
  ownCount: 1,
  own: ownBounds.length,
} as const;

/** First slot of each quantity of a block. */
export const slot: Readonly<Record<keyof typeof slotWidths, number>> = layOut(slotWidths);

function layOut<Name extends string>(
  widths: Readonly<Record<Name, number>>,
): Record<Name, number> {
  const offsets: Record<Name, number> = { ...widths };
  let next = 0;
  for (const name of Object.keys(widths) as Name[]) {
    offsets[name] = next;
    next += widths[name];
  }
  return offsets;
}

export const blockSlots = 128;

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

/**
 * Slots of one endpoint, by the number that control gave it (EndpointSnapshot.slot).
 *
 * Shape: the thread that makes the endpoint's state sets all of them to 0.
 */
export const endpointSlot = {
  attempts: 0,
  failures: 1,
  /** Gauge: attempts under way. */
  open: 2,
  /** Gauge: moving average of the time to the first byte. Units: milliseconds. */
  latencyMs: 3,
  /** Gauge: index into endpointStates. */
  state: 4,
  /** Gauge: index into ejectReasons of the last ejection. */
  reason: 5,
  /** Gauge: when the state ends by itself, on the thread's clock; 0: not by itself. Units: milliseconds. */
  untilMs: 6,
  ejections: 7,
} as const;
export const endpointSlots = 8;
/** Endpoints beyond this many are balanced over, but nobody sees their state. */
export const maxEndpoints = 16_384;

/** What an endpoint is to a thread, in slot order. */
export const endpointStates = [
  "healthy",
  /** New: its share still grows. */
  "warming",
  "ejected",
  /** Let back in for one request that decides. */
  "probation",
  /** Refused or did not take a connection; control probes it. */
  "unreachable",
  /** Its sidecar says that it shuts down. */
  "draining",
] as const;
export type EndpointStateName = typeof endpointStates[number];

/** Why an endpoint was ejected, in slot order. */
export const ejectReasons = [
  "none",
  "consecutive_failures",
  "success_rate",
  "connect_refused",
  "connect_timeout",
  "failed_probation",
  "draining",
] as const;
export type EjectReason = typeof ejectReasons[number];

const endpointsBase = threadSlots + maxBlocks * blockSlots;

export const counterBytes = (endpointsBase + maxEndpoints * endpointSlots) *
  Float64Array.BYTES_PER_ELEMENT;

const threadGauges = new Set<number>([
  threadSlot.clientsOpen,
  threadSlot.upstreamsIdle,
  threadSlot.tunnelsOpen,
  threadSlot.loopAtMs,
  threadSlot.inboundOpen,
]);

const blockGauges = new Set<number>([
  slot.open,
  slot.queued,
  slot.budget,
  slot.breaker,
  slot.limit,
  slot.panic,
]);

/** Whether a slot holds a present state rather than a sum; it ends with its thread. */
export function isGauge(index: number): boolean {
  if (index < threadSlots) return threadGauges.has(index);
  if (index < endpointsBase) return blockGauges.has((index - threadSlots) % blockSlots);
  // What a thread knew of endpoints ends with it as a whole.
  return true;
}

/** First slot of a block. */
export function blockBase(block: number): number {
  return threadSlots + block * blockSlots;
}

/** First slot of an endpoint. */
export function endpointBase(endpoint: number): number {
  return endpointsBase + endpoint * endpointSlots;
}
