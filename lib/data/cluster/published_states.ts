/** The states of a set's endpoints, put where control sees them. */
import { endpointBase, endpointSlot, endpointStates } from "../../plane/counters.ts";
import type { Poolable } from "../net/pool.ts";
import { EndpointState } from "./endpoint.ts";
import type { Roster } from "./roster.ts";

const warming = endpointStates.indexOf("warming");

/** Shape: whether there is one in a state that ends by itself. Units: milliseconds. */
export function publishStates<Connection extends Poolable>(
  roster: Roster<Connection>,
  { counters, nowMs, slowStartMs }: {
    readonly counters: Float64Array;
    readonly nowMs: number;
    readonly slowStartMs: number;
  },
): boolean {
  let unsettled = false;
  /** Newcomers that nobody has had. */
  const warm = (slot: number | undefined) => {
    unsettled = true;
    if (slot !== undefined) counters[endpointBase(slot) + endpointSlot.state] = warming;
  };
  const { whole } = roster;
  if (whole === undefined) {
    roster.members.forEach((each, position) => {
      if (each instanceof EndpointState) {
        each.publishState(nowMs, slowStartMs);
        if (each.state(nowMs, slowStartMs) !== "healthy") unsettled = true;
      } else if (each.newcomer && slowStartMs > 0) warm(roster.slotAt(position));
    });
  } else if (whole.newcomer && slowStartMs > 0) {
    for (let index = 0; index < roster.size; index++) warm(whole.pack.slotOf(index));
  }
  return unsettled;
}
