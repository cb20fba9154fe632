/** Endpoints of large sets that nobody has had yet: what choosing among them takes, once for all that are alike. */
import type { EndpointSnapshot, PackedRecords, RecordKind } from "../../plane/messages.ts";
import { RecordPack } from "../../plane/record_pack.ts";
import { type Candidate, freshNumbers, notYet } from "../balance/candidate.ts";
import type { Poolable } from "../net/pool.ts";
import type { EndpointState } from "./endpoint.ts";

/** Stands for any number of endpoints. Nothing ever happens to one: who is called is read first. */
export class Unread implements Candidate {
  /** Balancers that go by it are given endpoints that were read. */
  readonly key = "";
  readonly weight: number;
  readonly zone: string | undefined;
  readonly region: string | undefined;
  readonly newcomer: boolean;
  readonly open = freshNumbers.open;
  readonly latencyMs = freshNumbers.latencyMs;
  readonly latencyAtMs = freshNumbers.latencyAtMs;
  readonly meanMs = freshNumbers.meanMs;
  readonly refusedUntilMs = freshNumbers.refusedUntilMs;
  readonly refusals = freshNumbers.refusals;
  readonly warmFromMs: number;

  constructor({ region, weight, zone }: RecordKind, newcomer: boolean) {
    this.weight = weight;
    this.zone = zone;
    this.region = region;
    this.newcomer = newcomer;
    this.warmFromMs = newcomer ? notYet : freshNumbers.warmFromMs;
  }
}

export interface UnreadPackOptions<Connection extends Poolable> {
  /** Number of the first record: they are numbered through all packs of a cluster, 32 bits wide. */
  readonly first: number;
  /** The state of an endpoint whose slot in the counters is clear already. */
  readonly make: (record: EndpointSnapshot, newcomer: boolean) => EndpointState<Connection>;
}

/** Records of one message; a cluster has some of them unread. */
export class UnreadPack<Connection extends Poolable> extends RecordPack {
  readonly first: number;
  readonly make: UnreadPackOptions<Connection>["make"];
  readonly #known: readonly Unread[];
  readonly #newcomers: readonly Unread[];

  constructor(records: PackedRecords, { first, make }: UnreadPackOptions<Connection>) {
    super(records);
    this.first = first;
    this.make = make;
    this.#known = records.kinds.map((kind) => new Unread(kind, false));
    this.#newcomers = records.kinds.map((kind) => new Unread(kind, true));
  }

  /** Where a record is in it, by its number. Shape: no place of it where another pack has the record. */
  placeOf(number: number): number {
    return (number - this.first) >>> 0;
  }

  has(number: number): boolean {
    return this.placeOf(number) < this.count;
  }

  unread(index: number, { newcomer }: { readonly newcomer: boolean }): Unread {
    return (newcomer ? this.#newcomers : this.#known)[this.kindOf(index)]!;
  }
}
