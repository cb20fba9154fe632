/** The next roster in the making. */
import type { Poolable } from "../net/pool.ts";
import { EndpointState } from "./endpoint.ts";
import { type Member, noNumbers, Roster } from "./roster.ts";
import type { Unread, UnreadPack } from "./unread.ts";

export class RosterDraft<Connection extends Poolable> {
  readonly #before: Roster<Connection>;
  readonly #packs: readonly UnreadPack<Connection>[];
  readonly #next: number;
  /** Put together at the end: an array that grows leaves much behind. */
  readonly #stretches: Member<Connection>[][] = [];
  /** Those that came since the last stretch that was kept. */
  #coming: Member<Connection>[] = [];
  #size = 0;
  #unread = 0;
  readonly #ids: Uint32Array;
  /** The same as the ids until a member comes whose record is another. */
  #records: Uint32Array;

  /** Shape: it will have `size` members; `pack` has those of them that come, unless they are read. */
  constructor(
    before: Roster<Connection>,
    { pack, size }: {
      readonly size: number;
      readonly pack: UnreadPack<Connection> | undefined;
    },
  ) {
    this.#before = before;
    this.#packs = pack === undefined ? before.packs : [...before.packs, pack];
    this.#next = pack === undefined ? before.next : (pack.first + pack.count) >>> 0;
    this.#ids = this.#packs.length === 0 ? noNumbers : new Uint32Array(size);
    const { ids, records } = before.places;
    this.#records = ids === records ? this.#ids : new Uint32Array(size);
  }

  /** Those between two positions before, as they are. */
  keep(from: number, to: number): void {
    const { ids, members, records } = this.#before.places;
    if (this.#coming.length > 0) this.#stretches.push(this.#coming);
    this.#coming = [];
    this.#stretches.push(members.slice(from, to));
    if (ids.length > 0) {
      this.#ids.set(ids.subarray(from, to), this.#size);
      if (this.#records !== this.#ids) this.#records.set(records.subarray(from, to), this.#size);
    }
    this.#size += to - from;
    this.#unread += this.#unreadBetween(from, to);
  }

  #unreadBetween(from: number, to: number): number {
    const { members, size, unread } = this.#before;
    if (unread === 0) return 0;
    if (unread === size) return to - from;
    let count = 0;
    for (let position = from; position < to; position++) {
      if (!(members[position] instanceof EndpointState)) count++;
    }
    return count;
  }

  add(endpoint: EndpointState<Connection>): void {
    this.#coming.push(endpoint);
    this.#size++;
  }

  addUnread(
    member: Unread,
    { id, record }: { readonly id: number; readonly record: number },
  ): void {
    this.#coming.push(member);
    const position = this.#size++;
    this.#unread++;
    if (id !== record && this.#records === this.#ids) this.#records = this.#ids.slice();
    this.#ids[position] = id;
    this.#records[position] = record;
  }

  done(): Roster<Connection> {
    const none: Member<Connection>[] = [];
    const members = none.concat(...this.#stretches, this.#coming);
    if (this.#unread === 0) return Roster.of(members as EndpointState<Connection>[]);
    const places = { members, ids: this.#ids, records: this.#records };
    const packs = this.#packs.length === 1 ? this.#packs : this.#needed(members);
    return new Roster({
      size: members.length,
      unread: this.#unread,
      next: this.#next,
      packs,
      places,
    });
  }

  /** A pack of which all was read or has left is let go. */
  #needed(members: readonly Member<Connection>[]): readonly UnreadPack<Connection>[] {
    const counts = this.#packs.map(() => 0);
    members.forEach((member, position) => {
      if (member instanceof EndpointState) return;
      const record = this.#records[position]!;
      counts[this.#packs.findIndex((pack) => pack.has(record))]! += 1;
    });
    return this.#packs.filter((_, index) => counts[index]! > 0);
  }
}
