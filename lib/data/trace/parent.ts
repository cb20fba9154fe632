/** What a caller says of the trace that its request belongs to, whatever the format. */

/** Whether the trace is recorded: `open` leaves it to whoever is asked next, `debug` wants it at any price. */
export type Decision = "open" | "no" | "yes" | "debug";

/**
 * The caller's span as the parent of what happens here.
 *
 * Shape: identifiers as 32-bit words, the first of them the most significant; `known` is false when only a decision
 * was said.
 */
export interface Parent {
  readonly known: boolean;
  readonly trace0: number;
  readonly trace1: number;
  readonly trace2: number;
  readonly trace3: number;
  readonly span0: number;
  readonly span1: number;
  /** The trace's identifier has 64 bits only, and is to keep that form where the format has it. */
  readonly short: boolean;
  readonly decision: Decision;
}

/** A decision without identifiers. */
export function decisionOnly(decision: Decision): Parent {
  return {
    known: false,
    trace0: 0,
    trace1: 0,
    trace2: 0,
    trace3: 0,
    span0: 0,
    span1: 0,
    short: false,
    decision,
  };
}
