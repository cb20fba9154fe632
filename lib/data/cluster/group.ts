/** The endpoints of a cluster that one kind of request may go to, and the pick among them. */
import type { BalancePolicy, OutlierPolicy } from "../../core/traffic.ts";
import type { Balancer, PickRequest } from "../balance/balancer.ts";
import { createBalancer } from "../balance/create.ts";
import { hashShare, hashText, mixHash } from "../../core/hash.ts";
import { chooseTier, type Place } from "../balance/locality.ts";
import { pickUntried } from "../balance/untried.ts";
import type { Poolable } from "../net/pool.ts";
import { inPanic } from "../resilience/outlier.ts";
import { EndpointState } from "./endpoint.ts";
import { MemberList } from "./member_list.ts";
import { Roster } from "./roster.ts";
import { type Tier, tiersOf } from "./tiers.ts";
import type { UnreadPack } from "./unread.ts";
import { usableOf } from "./usable.ts";

export interface GroupOptions {
  readonly balance: BalancePolicy;
  readonly outlier: OutlierPolicy;
  /** The own place. */
  readonly place: Place;
  /** In [0, 1): where rounds begin, so that a fleet does not start at the same instance. */
  readonly spread: number;
  /** The first usable endpoint is picked every time: the addresses of one host are ordered for a reason. */
  readonly inOrder: boolean;
}

/** Draws of the balancer that may fall on endpoints that take nothing just now, until any other will do. */
const redraws = 4;

const tierSalt = 77;

/** Balancers that go by the address of every endpoint. */
const byKey: ReadonlySet<BalancePolicy["kind"]> = new Set(["sticky", "consistent_hash"]);

export class EndpointGroup<Connection extends Poolable> {
  /** In words; empty for all endpoints of the service. */
  readonly subset: string;
  /** Ejections are ignored at the moment because too many are out. */
  panic = false;
  readonly #options: GroupOptions;
  readonly #balancer: Balancer;
  #roster: Roster<Connection> = Roster.of<Connection>([]);
  /** Those that may be picked: as one list, and by nearness where that counts. */
  #usable = new MemberList<Connection>(this.#roster);
  #tiers: readonly Tier<Connection>[] = [];
  /** When the lists have to be made again, on the thread's clock. Units: milliseconds. */
  #validUntilMs = -Infinity;
  /** Where the next last resort is looked for first. */
  #turn = -1;

  constructor(subset: string, options: GroupOptions) {
    this.subset = subset;
    this.#options = options;
    this.#balancer = createBalancer(options.balance, options.spread);
  }

  get size(): number {
    return this.#roster.size;
  }

  get roster(): Roster<Connection> {
    return this.#roster;
  }

  /** All of them. Cost: reads those that were not read yet. */
  get members(): readonly EndpointState<Connection>[] {
    const { members } = this.#roster;
    for (let position = 0; this.#roster.unread > 0; position++) this.read(position);
    return members as readonly EndpointState<Connection>[];
  }

  /** Whether it is the address of every endpoint that the balancer goes by. */
  get byKey(): boolean {
    return byKey.has(this.#options.balance.kind);
  }

  get balancer(): Balancer {
    return this.#balancer;
  }

  setMembers(
    members: Roster<Connection> | readonly EndpointState<Connection>[],
    { reweighted = false }: { readonly reweighted?: boolean } = {},
  ): void {
    this.#roster = members instanceof Roster ? members : Roster.of([...members]);
    // Balancers work weights out once per list.
    if (reweighted) {
      this.#usable = new MemberList(Roster.of<Connection>([]));
      this.#tiers = [];
    }
    this.invalidate();
  }

  /** The member at a position, which is read if it was not. */
  read(position: number): EndpointState<Connection> {
    const member = this.#roster.members[position]!;
    if (member instanceof EndpointState) return member;
    const endpoint = this.#roster.read(position);
    const put = (list: MemberList<Connection>) => {
      // Before the next pick they may still be of the roster before.
      if (list.of(this.#roster)) list.put(position, endpoint);
    };
    put(this.#usable);
    for (const { list } of this.#tiers) put(list);
    return endpoint;
  }

  /** Reads some members of a pack. Shape: whether all of them are read now. */
  readSome(pack: UnreadPack<Connection>, count: number): boolean {
    const roster = this.#roster;
    let read = 0;
    for (let position = 0; position < this.size; position++) {
      if (!roster.isIn(pack, position)) continue;
      if (read++ === count) return false;
      this.read(position);
    }
    return true;
  }

  #memberOf(list: MemberList<Connection>, index: number): EndpointState<Connection> {
    const member = list.candidates[index]!;
    if (member instanceof EndpointState) return member;
    const position = list.position(index);
    const endpoint = this.read(position);
    // Another group with the same roster may have read it before.
    list.put(position, endpoint);
    return endpoint;
  }

  /** Something about an endpoint changed: the lists are made again before the next pick. */
  invalidate(): void {
    this.#validUntilMs = -Infinity;
  }

  /**
   * Picks the endpoint of the next attempt.
   *
   * Shape: prefers those that are well and not tried already; then, rather than fail, takes ones that are ejected or
   * unreachable, at last draining ones. Undefined when every endpoint was tried.
   * Cost: no allocation and no walk while all are well.
   */
  pick(
    request: PickRequest,
    tried: readonly EndpointState<Connection>[] | undefined,
  ): EndpointState<Connection> | undefined {
    const { nowMs } = request;
    if (nowMs >= this.#validUntilMs) this.#renew(nowMs);
    const usable = this.#usable;
    if (usable.length > 0) {
      if (this.#options.inOrder) {
        const first = usable.candidates.findIndex((each) =>
          !(tried?.includes(each as EndpointState<Connection>) ?? false)
        );
        if (first >= 0) return this.#memberOf(usable, first);
      } else {
        const picked = this.#draw(request, tried);
        if (picked !== undefined) return picked;
      }
    }
    return this.#lastResort(++this.#turn, { nowMs, tried });
  }

  #draw(
    request: PickRequest,
    tried: readonly EndpointState<Connection>[] | undefined,
  ): EndpointState<Connection> | undefined {
    const { nowMs } = request;
    const usable = this.#usable;
    const balancer = this.#balancer;
    if (tried !== undefined) {
      // Once more in its own zone would be nice; elsewhere is safer.
      const index = pickUntried(balancer, usable.candidates, { ...request, tried });
      return index < 0 ? undefined : this.#memberOf(usable, index);
    }
    const bound = this.#bound(request);
    if (bound !== undefined) {
      balancer.sessions?.touch(request.stickyId, nowMs);
      return bound;
    }
    for (let draw = 0; draw < redraws; draw++) {
      const list = this.#tiers.length < 2 ? usable : this.#tier(request);
      const picked = this.#memberOf(list, balancer.pick(list.candidates, request));
      if (this.#takes(picked, nowMs)) return picked;
    }
    const from = Math.floor(request.random() * usable.length);
    for (let step = 0; step < usable.length; step++) {
      const each = this.#memberOf(usable, (from + step) % usable.length);
      if (this.#takes(each, nowMs)) return each;
    }
    return undefined;
  }

  /** The endpoint that the request's session is bound to, where that may have it. */
  #bound(request: PickRequest): EndpointState<Connection> | undefined {
    const balancer = this.#balancer;
    if (balancer.bound === undefined || request.stickyId === "") return undefined;
    const index = balancer.bound(this.#usable.candidates, request);
    if (index < 0) return undefined;
    const bound = this.#memberOf(this.#usable, index);
    return this.#takes(bound, request.nowMs) ? bound : undefined;
  }

  /** A key stays in its tier. */
  #tier({ hash, random, stickyId }: PickRequest): MemberList<Connection> {
    const key = hash >= 0 ? hash : stickyId === "" ? -1 : hashText(stickyId);
    // Other bits than those that choose within the tier.
    const at = key < 0 ? random() : hashShare(mixHash(key, tierSalt));
    return this.#tiers[chooseTier(this.#tiers, at)]!.list;
  }

  /** Whether it may have another request just now: one that was let back in gets few at a time. */
  #takes(endpoint: EndpointState<Connection>, nowMs: number): boolean {
    return this.panic || endpoint.health.mayPick(nowMs, endpoint.open);
  }

  #lastResort(
    turn: number,
    { nowMs, tried }: {
      readonly nowMs: number;
      readonly tried: readonly EndpointState<Connection>[] | undefined;
    },
  ): EndpointState<Connection> | undefined {
    const { members } = this;
    let draining: EndpointState<Connection> | undefined;
    let best: EndpointState<Connection> | undefined;
    for (let step = 0; step < members.length; step++) {
      const each = members[(turn + step) % members.length]!;
      if (tried !== undefined && tried.includes(each)) continue;
      // The one with the fewest attempts under way, so that a service that comes back is not run over at one door.
      if (each.drainingUntilMs > nowMs) draining ??= each;
      else if (best === undefined || each.open < best.open) best = each;
    }
    return best ?? draining;
  }

  /** How many endpoints are left that were not tried, may be picked, and are not known to fail as well. */
  usableCount(nowMs: number, tried: readonly EndpointState<Connection>[]): number {
    if (nowMs >= this.#validUntilMs) this.#renew(nowMs);
    let count = 0;
    for (const each of this.#usable.candidates) {
      if (!(each instanceof EndpointState)) {
        count++;
        continue;
      }
      const { failing, state } = each.health;
      if (!failing && (state === "healthy" || !this.panic) && !tried.includes(each)) count++;
    }
    return count;
  }

  /** What `pick` would answer, without taking anybody's turn; where chance decides, one possible answer. */
  peek(request: PickRequest): EndpointState<Connection> | undefined {
    const { nowMs } = request;
    if (nowMs >= this.#validUntilMs) this.#renew(nowMs);
    const usable = this.#usable;
    if (usable.length === 0) {
      return this.#lastResort(this.#turn + 1, { nowMs, tried: undefined });
    }
    if (this.#options.inOrder) return this.#memberOf(usable, 0);
    const bound = this.#bound(request);
    if (bound !== undefined) return bound;
    const list = this.#tiers.length < 2 ? usable : this.#tier(request);
    return this.#memberOf(list, this.#balancer.peek(list.candidates, request));
  }

  /** The lists as they are, for whoever explains a pick. Cost: reads all members. */
  explain(nowMs: number): {
    readonly usable: readonly EndpointState<Connection>[];
    readonly tiers: readonly {
      readonly share: number;
      readonly members: readonly EndpointState<Connection>[];
    }[];
  } {
    if (nowMs >= this.#validUntilMs) this.#renew(nowMs);
    const { members } = this;
    const shown = (list: MemberList<Connection>) =>
      list.candidates.map((_, index) => members[list.position(index)]!);
    return {
      usable: shown(this.#usable),
      tiers: this.#tiers.map(({ list, share }) => ({ share, members: shown(list) })),
    };
  }

  #renew(nowMs: number): void {
    const { balance, outlier, place } = this.#options;
    if (this.byKey) void this.members;
    const { reachable, sound, untilMs, well } = usableOf(this.#roster, nowMs);
    this.#validUntilMs = untilMs;
    this.panic = inPanic(sound, reachable.length, outlier);
    const usable = this.panic ? reachable : well;
    // Balancers keep their place by the list: an unchanged one stays the same array.
    this.#usable = MemberList.at(this.#roster, usable, this.#usable);
    this.#tiers = balance.locality === "off"
      ? []
      : tiersOf(this.#roster, { place, usable, before: this.#tiers });
  }
}
