/** Some members of a set as a balancer is shown them. */
import type { Poolable } from "../net/pool.ts";
import { EndpointState } from "./endpoint.ts";
import type { Member, Roster } from "./roster.ts";

export class MemberList<Connection extends Poolable> {
  /** Shape: balancers know a list by this array; nobody else changes it. */
  candidates: Member<Connection>[];
  /** As the roster has them. The roster itself would keep its packs in memory. */
  readonly #ids: Uint32Array;
  /** In the roster, ascending; undefined for all of it. */
  readonly #positions: Int32Array | undefined;

  constructor(roster: Roster<Connection>, positions?: Int32Array) {
    const { ids, members } = roster.places;
    this.#ids = ids;
    this.#positions = positions;
    if (positions === undefined) this.candidates = members;
    else {
      this.candidates = [];
      for (const position of positions) this.candidates.push(members[position]!);
    }
  }

  /** Those at some positions, shown as the list before where that has the same members. */
  static at<Connection extends Poolable>(
    roster: Roster<Connection>,
    positions: readonly number[],
    before: MemberList<Connection> | undefined,
  ): MemberList<Connection> {
    const all = positions.length === roster.size;
    const list = new MemberList(roster, all ? undefined : Int32Array.from(positions));
    if (before !== undefined) list.#continue(before);
    return list;
  }

  get length(): number {
    return this.candidates.length;
  }

  /** Shape: of one that has unread members. */
  of(roster: Roster<Connection>): boolean {
    return roster.places.ids === this.#ids;
  }

  /** Where in the roster a candidate is. */
  position(index: number): number {
    return this.#positions === undefined ? index : this.#positions[index]!;
  }

  /** Shows a member that was read just now. */
  put(position: number, endpoint: EndpointState<Connection>): void {
    const index = this.#positions === undefined ? position : placeOf(this.#positions, position);
    if (index >= 0) this.candidates[index] = endpoint;
  }

  /**
   * Takes over the array of an older list with the same members: balancers keep their place by it.
   *
   * Shape: another weight makes no other member.
   */
  #continue(older: MemberList<Connection>): void {
    const candidates = older.candidates;
    if (candidates === this.candidates || !this.#sameAs(older)) return;
    // What stands for an unread one may be another now.
    this.candidates.forEach((member, index) => candidates[index] = member);
    this.candidates = candidates;
  }

  #sameAs(older: MemberList<Connection>): boolean {
    if (older.length !== this.length) return false;
    for (let index = 0; index < this.length; index++) {
      const member = this.candidates[index]!;
      const before = older.candidates[index]!;
      if (member instanceof EndpointState || before instanceof EndpointState) {
        if (member !== before) return false;
      } else if (this.#ids[this.position(index)] !== older.#ids[older.position(index)]) {
        return false;
      }
    }
    return true;
  }
}

/** Shape: -1 where it is not. */
function placeOf(positions: Int32Array, position: number): number {
  let low = 0;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (positions[middle]! < position) low = middle + 1;
    else high = middle;
  }
  return positions[low] === position ? low : -1;
}
