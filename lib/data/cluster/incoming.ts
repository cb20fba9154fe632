/** A change of a cluster's set on its way in: step by step, and then all at once. */
import type { ClusterChange, EndpointSnapshot } from "../../plane/messages.ts";
import type { Poolable } from "../net/pool.ts";
import type { Incoming } from "./arrivals.ts";
import type { Cluster } from "./cluster.ts";
import { EndpointState } from "./endpoint.ts";
import { Roster } from "./roster.ts";
import { RosterDraft } from "./roster_draft.ts";
import { UnreadPack } from "./unread.ts";

/** Of one cluster. A pack stays in memory as a whole for as long as one of its records is unread. */
const maxPacks = 3;
/** Records of different places that are read in one step; it takes about half a millisecond. */
const readCount = 500;

/** Where an endpoint was that comes with another record or at another place. */
interface Kept {
  readonly was: number;
  /** Another instance is behind the address now. */
  readonly replaced: boolean;
}

export class IncomingChange<Connection extends Poolable> implements Incoming {
  readonly #cluster: Cluster<Connection>;
  readonly #change: ClusterChange;
  /** By index among those that come; so are the next three. */
  readonly #kept = new Map<number, Kept>();
  /** What those that come are read from, unless they are few. */
  readonly #pack: UnreadPack<Connection> | undefined;
  /** New endpoints, and newer records of kept ones, as far as they were read. */
  readonly #joining: (EndpointState<Connection> | undefined)[] = [];
  readonly #records: (EndpointSnapshot | undefined)[] = [];
  /** So many were looked at. */
  #looked = 0;
  #crowded: boolean;
  #reweighted = false;

  /** Shape: the cluster has the set that the change was made for, and no other until this one has come in. */
  constructor(cluster: Cluster<Connection>, change: ClusterChange) {
    this.#cluster = cluster;
    this.#change = change;
    const { roster } = cluster;
    this.#crowded = roster.packs.length >= maxPacks;
    const { added, kept } = change;
    for (let at = 0; at < kept.length; at += 3) {
      this.#kept.set(kept[at]!, { was: kept[at + 1]!, replaced: kept[at + 2] === 1 });
    }
    if (added.kind === "few") {
      this.#take(added.records);
      return;
    }
    this.#pack = new UnreadPack(added.records, {
      first: roster.next,
      make: (record, newcomer) => cluster.make(record, newcomer),
    });
  }

  /** Shape: true once it has come in. Until then nobody sees anything of it. */
  step(): boolean {
    const pack = this.#pack;
    if (pack !== undefined) {
      this.#read(pack);
      if (this.#looked < pack.count) return false;
    }
    this.#finish();
    return true;
  }

  /** Reads some of what has to be read. */
  #read(pack: UnreadPack<Connection>): void {
    const { all, readsAll, roster } = this.#cluster;
    if (this.#crowded) {
      this.#crowded = !all.readSome(roster.packs[0]!, readCount);
    } else if (readsAll) {
      this.#take(pack.readStretch(this.#looked, pack.stretchEnd(this.#looked)));
    } else {
      // Those that were never had stay unread.
      for (let count = 0; count < readCount && this.#looked < pack.count; this.#looked++) {
        const was = this.#kept.get(this.#looked)?.was;
        if (was === undefined || !(roster.members[was] instanceof EndpointState)) continue;
        this.#records[this.#looked] = pack.read(this.#looked);
        count++;
      }
    }
  }

  #take(records: readonly EndpointSnapshot[]): void {
    for (const record of records) {
      const index = this.#looked++;
      if (this.#kept.has(index)) this.#records[index] = record;
      else this.#joining[index] = this.#cluster.join(record);
    }
  }

  /** Makes the newer set the cluster's. */
  #finish(): void {
    const { splices, unusable } = this.#change;
    const { roster } = this.#cluster;
    const pack = this.#pack;
    let size = roster.size;
    for (let index = 0; index < splices.length; index += 3) {
      size += splices[index + 2]! - splices[index + 1]!;
    }
    if (pack !== undefined && pack.count === size && this.#kept.size + this.#joining.length === 0) {
      const newcomer = roster.size > 0;
      for (let index = 0; index < size; index++) this.#cluster.clearSlot(pack.slotOf(index));
      const whole = Roster.ofPack(pack, { newcomer });
      const left = roster.present();
      return this.#cluster.become(whole, { left, reweighted: false, unusable });
    }
    const before = roster.members;
    const draft = new RosterDraft(roster, { size, pack: this.#pack });
    const staying = new Set<number>();
    for (const { was } of this.#kept.values()) staying.add(was);
    const left: EndpointState<Connection>[] = [];
    let from = 0;
    let joined = 0;
    for (let index = 0; index < splices.length; index += 3) {
      const at = splices[index]!;
      const end = at + splices[index + 1]!;
      draft.keep(from, at);
      for (const until = joined + splices[index + 2]!; joined < until; joined++) {
        this.#add(draft, joined);
      }
      for (from = at; from < end; from++) {
        const gone = before[from]!;
        if (gone instanceof EndpointState && !staying.has(from)) left.push(gone);
      }
    }
    draft.keep(from, before.length);
    this.#cluster.become(draft.done(), { left, reweighted: this.#reweighted, unusable });
  }

  /** Adds one of those that come. */
  #add(draft: RosterDraft<Connection>, index: number): void {
    const kept = this.#kept.get(index);
    if (kept !== undefined) return this.#move(draft, index, kept);
    const joining = this.#joining[index];
    if (joining !== undefined) return draft.add(joining);
    const pack = this.#pack!;
    const number = (pack.first + index) >>> 0;
    this.#cluster.clearSlot(pack.slotOf(index));
    const unread = pack.unread(index, { newcomer: this.#cluster.all.size > 0 });
    draft.addUnread(unread, { id: number, record: number });
  }

  /** Adds one that was there before. */
  #move(draft: RosterDraft<Connection>, index: number, { replaced, was }: Kept): void {
    const { roster } = this.#cluster;
    const member = roster.members[was]!;
    const record = this.#records[index];
    if (member instanceof EndpointState) {
      // What is not read yet was called only just now.
      if (member.update(record ?? this.#pack!.read(index))) this.#reweighted = true;
      return draft.add(member);
    }
    const newcomer = replaced || member.newcomer;
    const slot = record === undefined ? this.#pack!.slotOf(index) : record.slot;
    if (slot !== roster.slotAt(was)) this.#cluster.clearSlot(slot);
    if (record !== undefined) {
      const endpoint = this.#cluster.make(record, newcomer);
      if (endpoint.weight !== member.weight) this.#reweighted = true;
      return draft.add(endpoint);
    }
    const pack = this.#pack!;
    const unread = pack.unread(index, { newcomer });
    if (unread.weight !== member.weight) this.#reweighted = true;
    draft.addUnread(unread, { id: roster.places.ids[was]!, record: (pack.first + index) >>> 0 });
  }
}
