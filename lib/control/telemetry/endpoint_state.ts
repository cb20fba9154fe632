/** What the data threads hold of one endpoint, put together from the slots of all of them. */
import {
  type EjectReason,
  ejectReasons,
  endpointBase,
  endpointSlot,
  type EndpointStateName,
  endpointStates,
  threadSlot,
} from "../../plane/counters.ts";

/** unknown: the endpoint has no slot. */
export type ShownState = EndpointStateName | "unknown";

/** Reads the counters of single threads. */
export interface ThreadReader {
  readonly threads: number;
  /** Shape: undefined for a thread that is being replaced. */
  read(thread: number, slot: number): number | undefined;
}

/** Units: milliseconds. */
export interface EndpointState {
  /** The worst that any thread holds it to be. */
  state: ShownState;
  /** Of an endpoint that is not called: why. */
  reason: EjectReason;
  /** Threads that hold it to be so, of all that were read. */
  agreeing: number;
  threads: number;
  /** Until the state ends by itself in the last of these threads; 0: not by itself. */
  endsInMs: number;
  attempts: number;
  failures: number;
  open: number;
  ejections: number;
  /** Undefined before the first answer. */
  latencyMs: number | undefined;
}

/** From the best state to the worst. */
const severity: readonly EndpointStateName[] = [
  "healthy",
  "warming",
  "probation",
  "draining",
  "ejected",
  "unreachable",
];
const rankOf = endpointStates.map((state) => severity.indexOf(state));

export function unknownState(): EndpointState {
  return {
    state: "unknown",
    reason: "none",
    agreeing: 0,
    threads: 0,
    endsInMs: 0,
    attempts: 0,
    failures: 0,
    open: 0,
    ejections: 0,
    latencyMs: undefined,
  };
}

/** Reads the slots of one endpoint. Shape: `into` is overwritten, so that a look each second allocates nothing. */
export function readEndpoint(slot: number, reader: ThreadReader, into: EndpointState): void {
  const base = endpointBase(slot);
  Object.assign(into, cleared);
  let worst = -1;
  let answering = 0;
  let latencySum = 0;
  for (let thread = 0; thread < reader.threads; thread++) {
    const index = reader.read(thread, base + endpointSlot.state);
    if (index === undefined) continue;
    const at = (offset: number) => reader.read(thread, base + offset) ?? 0;
    into.threads++;
    into.attempts += at(endpointSlot.attempts);
    into.failures += at(endpointSlot.failures);
    into.open += at(endpointSlot.open);
    into.ejections += at(endpointSlot.ejections);
    const latencyMs = at(endpointSlot.latencyMs);
    if (latencyMs > 0) {
      latencySum += latencyMs;
      answering++;
    }
    const rank = rankOf[index] ?? 0;
    if (rank < worst) continue;
    if (rank > worst) {
      worst = rank;
      into.agreeing = 0;
      into.endsInMs = 0;
      into.state = endpointStates[index] ?? "healthy";
      into.reason = rank <= 1 ? "none" : ejectReasons[at(endpointSlot.reason)] ?? "none";
    }
    into.agreeing++;
    const untilMs = at(endpointSlot.untilMs);
    // Both are times of the thread's own clock, and its loop turns at least once a second.
    const leftMs = untilMs === 0 ? 0 : untilMs - (reader.read(thread, threadSlot.loopAtMs) ?? 0);
    into.endsInMs = Math.max(into.endsInMs, leftMs);
  }
  if (answering > 0) into.latencyMs = latencySum / answering;
}

const cleared = unknownState();
