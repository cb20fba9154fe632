/** Which members of a set may be picked just now. */
import type { Poolable } from "../net/pool.ts";
import { EndpointState } from "./endpoint.ts";
import type { Roster } from "./roster.ts";

/** Shape: the lists are positions, in their order. */
export interface Usable {
  /** Connections can be had there, and they do not drain. */
  readonly reachable: readonly number[];
  /** Of these, those that are not ejected. */
  readonly well: readonly number[];
  /** How many are well beyond doubt. */
  readonly sound: number;
  /** Until when this holds by itself. Units: milliseconds. */
  readonly untilMs: number;
}

export function usableOf<Connection extends Poolable>(
  { members }: Roster<Connection>,
  nowMs: number,
): Usable {
  const reachable: number[] = [];
  const well: number[] = [];
  let sound = 0;
  let untilMs = Infinity;
  for (let position = 0; position < members.length; position++) {
    const each = members[position]!;
    if (!(each instanceof EndpointState) || each.unblemished) {
      reachable.push(position);
      well.push(position);
      sound++;
      continue;
    }
    const ends = each.stateEndsAtMs(nowMs);
    if (ends > nowMs && ends < untilMs) untilMs = ends;
    if (each.drainingUntilMs > nowMs || each.unreachableUntilMs > nowMs) continue;
    reachable.push(position);
    const { health } = each;
    if (health.state !== "healthy" && !health.mayPick(nowMs, 0)) continue;
    well.push(position);
    // One that only the cap keeps in is not well: else the load of all would stay on those that fail.
    if (!health.failing) sound++;
  }
  return { reachable, well, sound, untilMs };
}
