/** Who is in a set, by position. Of a large set only those are read that somebody has had. */
import type { Poolable } from "../net/pool.ts";
import { RecordPack } from "../../plane/record_pack.ts";
import { EndpointState } from "./endpoint.ts";
import type { Unread, UnreadPack } from "./unread.ts";

export type Member<Connection extends Poolable> = EndpointState<Connection> | Unread;

/** What is known of members by position. */
interface Places<Connection extends Poolable> {
  /** Shape: nobody but the roster changes it, but lists show it as it is. */
  readonly members: Member<Connection>[];
  /** Of unread members only: a number that the same endpoint has in the next roster too. */
  readonly ids: Uint32Array;
  /** Of unread members only: the number of the record. */
  readonly records: Uint32Array;
}

interface RosterOptions<Connection extends Poolable> {
  readonly size: number;
  /** Members that are not read. */
  readonly unread: number;
  readonly packs: readonly UnreadPack<Connection>[];
  /** The number that the first record of the next pack gets. */
  readonly next: number;
  readonly places: Places<Connection> | Whole<Connection>;
}

/** All records of a pack, of which none was read and nobody has looked at any. */
interface Whole<Connection extends Poolable> {
  readonly pack: UnreadPack<Connection>;
  readonly newcomer: boolean;
}

/** Where nothing is unread. */
export const noNumbers = new Uint32Array(0);

/** Shape: another set comes as another roster; within one only unread members turn into read ones. */
export class Roster<Connection extends Poolable> {
  readonly size: number;
  readonly packs: readonly UnreadPack<Connection>[];
  readonly next: number;
  #unread: number;
  #places: Places<Connection> | Whole<Connection>;

  constructor({ next, packs, places, size, unread }: RosterOptions<Connection>) {
    this.size = size;
    this.packs = packs;
    this.next = next;
    this.#unread = unread;
    this.#places = places;
  }

  /** One of endpoints that are all read. */
  static of<Connection extends Poolable>(
    members: EndpointState<Connection>[],
  ): Roster<Connection> {
    const places = { members, ids: noNumbers, records: noNumbers };
    const size = members.length;
    return new Roster({ size, unread: 0, packs: [], next: 0, places });
  }

  /** All records of a pack, none of them read. Cost: next to nothing until somebody looks at the members. */
  static ofPack<Connection extends Poolable>(
    pack: UnreadPack<Connection>,
    { newcomer }: { readonly newcomer: boolean },
  ): Roster<Connection> {
    const { count, first } = pack;
    return new Roster({
      size: count,
      unread: count,
      packs: [pack],
      next: (first + count) >>> 0,
      places: { pack, newcomer },
    });
  }

  get unread(): number {
    return this.#unread;
  }

  get places(): Places<Connection> {
    return "pack" in this.#places ? this.#places = placesOf(this.#places) : this.#places;
  }

  get whole(): Whole<Connection> | undefined {
    return "pack" in this.#places ? this.#places : undefined;
  }

  get members(): readonly Member<Connection>[] {
    return this.places.members;
  }

  /** Those that are read. */
  present(): readonly EndpointState<Connection>[] {
    if ("pack" in this.#places) return [];
    return this.#places.members.filter((member) => member instanceof EndpointState);
  }

  /** The slot in the counters of an unread member. */
  slotAt(position: number): number | undefined {
    const record = this.places.records[position]!;
    const pack = this.#packOf(record);
    return pack.slotOf(pack.placeOf(record));
  }

  #packOf(record: number): UnreadPack<Connection> {
    return this.packs.find((pack) => pack.has(record))!;
  }

  /** A member, which is read if it was not. */
  read(position: number): EndpointState<Connection> {
    const { members, records } = this.places;
    const member = members[position]!;
    if (member instanceof EndpointState) return member;
    const record = records[position]!;
    const pack = this.#packOf(record);
    const endpoint = pack.make(pack.read(pack.placeOf(record)), member.newcomer);
    members[position] = endpoint;
    this.#unread--;
    return endpoint;
  }

  /** Whether a member is unread and its record in that pack. */
  isIn(pack: UnreadPack<Connection>, position: number): boolean {
    const { members, records } = this.places;
    return !(members[position] instanceof EndpointState) && pack.has(records[position]!);
  }

  /** Where an address is. Shape: -1 for nowhere. */
  find(address: { readonly host: string; readonly port: number }): number {
    const { host, port } = address;
    const mark = RecordPack.mark(address);
    const { members, records } = this.places;
    return members.findIndex((member, position) => {
      if (member instanceof EndpointState) {
        return member.snapshot.port === port && member.snapshot.host === host;
      }
      const record = records[position]!;
      const pack = this.#packOf(record);
      if (!pack.mayBe(pack.placeOf(record), mark)) return false;
      const found = pack.read(pack.placeOf(record));
      return found.port === port && found.host === host;
    });
  }
}

function placesOf<Connection extends Poolable>(
  { newcomer, pack }: Whole<Connection>,
): Places<Connection> {
  const { count, first, kinds } = pack;
  const members = new Array<Member<Connection>>(count).fill(pack.unread(0, { newcomer }));
  if (kinds.length > 1) {
    members.forEach((_, index) => members[index] = pack.unread(index, { newcomer }));
  }
  const ids = new Uint32Array(count);
  for (let index = 0; index < count; index++) ids[index] = first + index;
  return { members, ids, records: ids };
}
