/** The endpoints of a cluster that one kind of request may go to, and the pick among them. */
import type { BalancePolicy, OutlierPolicy } from "../../core/traffic.ts";
import type { Balancer, PickRequest } from "../balance/balancer.ts";
import { createBalancer } from "../balance/create.ts";
import { hashShare, hashText, mixHash } from "../../core/hash.ts";
import { chooseTier, localityTiers, type Place } from "../balance/locality.ts";
import { pickUntried } from "../balance/untried.ts";
import type { Poolable } from "../net/pool.ts";
import { inPanic } from "../resilience/outlier.ts";
import type { EndpointState } from "./endpoint.ts";

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

/** Usable endpoints of one distance. */
interface Tier<Connection extends Poolable> {
  /** Of the load. */
  readonly share: number;
  readonly members: readonly EndpointState<Connection>[];
}

export class EndpointGroup<Connection extends Poolable> {
  /** In words; empty for all endpoints of the service. */
  readonly subset: string;
  members: readonly EndpointState<Connection>[] = [];
  /** Ejections are ignored at the moment because too many are out. */
  panic = false;
  readonly #options: GroupOptions;
  readonly #balancer: Balancer;
  /** Those that may be picked: as one list, and by nearness where that counts. */
  #usable: readonly EndpointState<Connection>[] = [];
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
    return this.members.length;
  }

  get balancer(): Balancer {
    return this.#balancer;
  }

  setMembers(
    members: readonly EndpointState<Connection>[],
    { reweighted = false }: { readonly reweighted?: boolean } = {},
  ): void {
    this.members = members;
    // Balancers work weights out once per list.
    if (reweighted) {
      this.#usable = [];
      this.#tiers = [];
    }
    this.invalidate();
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
        const first = usable.find((each) => !(tried?.includes(each) ?? false));
        if (first !== undefined) return first;
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
      return usable[pickUntried(balancer, usable, { ...request, tried })];
    }
    const bound = this.#bound(request);
    if (bound !== undefined) {
      balancer.sessions?.touch(request.stickyId, nowMs);
      return bound;
    }
    for (let draw = 0; draw < redraws; draw++) {
      const list = this.#tiers.length < 2 ? usable : this.#tier(request);
      const picked = list[balancer.pick(list, request)]!;
      if (this.#takes(picked, nowMs)) return picked;
    }
    const from = Math.floor(request.random() * usable.length);
    for (let step = 0; step < usable.length; step++) {
      const each = usable[(from + step) % usable.length]!;
      if (this.#takes(each, nowMs)) return each;
    }
    return undefined;
  }

  /** The endpoint that the request's session is bound to, where that may have it. */
  #bound(request: PickRequest): EndpointState<Connection> | undefined {
    const balancer = this.#balancer;
    if (balancer.bound === undefined || request.stickyId === "") return undefined;
    const bound = this.#usable[balancer.bound(this.#usable, request)];
    return bound !== undefined && this.#takes(bound, request.nowMs) ? bound : undefined;
  }

  /** A key stays in its tier. */
  #tier({ hash, random, stickyId }: PickRequest): readonly EndpointState<Connection>[] {
    const key = hash >= 0 ? hash : stickyId === "" ? -1 : hashText(stickyId);
    // Other bits than those that choose within the tier.
    const at = key < 0 ? random() : hashShare(mixHash(key, tierSalt));
    return this.#tiers[chooseTier(this.#tiers, at)]!.members;
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
    for (const each of this.#usable) {
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
    if (this.#options.inOrder) return usable[0];
    const bound = this.#bound(request);
    if (bound !== undefined) return bound;
    const list = this.#tiers.length < 2 ? usable : this.#tier(request);
    return list[this.#balancer.peek(list, request)];
  }

  /** The lists as they are, for whoever explains a pick. */
  explain(nowMs: number): {
    readonly usable: readonly EndpointState<Connection>[];
    readonly tiers: readonly Tier<Connection>[];
  } {
    if (nowMs >= this.#validUntilMs) this.#renew(nowMs);
    return { usable: this.#usable, tiers: this.#tiers };
  }

  #renew(nowMs: number): void {
    const { balance, outlier, place } = this.#options;
    const reachable: EndpointState<Connection>[] = [];
    const well: EndpointState<Connection>[] = [];
    let sound = 0;
    let until = Infinity;
    for (const each of this.members) {
      if (each.unblemished) {
        reachable.push(each);
        well.push(each);
        sound++;
        continue;
      }
      const ends = each.stateEndsAtMs(nowMs);
      if (ends > nowMs && ends < until) until = ends;
      if (each.drainingUntilMs > nowMs || each.unreachableUntilMs > nowMs) continue;
      reachable.push(each);
      const { health } = each;
      if (health.state !== "healthy" && !health.mayPick(nowMs, 0)) continue;
      well.push(each);
      // One that only the cap keeps in is not well: else the load of all would stay on those that fail.
      if (!health.failing) sound++;
    }
    this.#validUntilMs = until;
    this.panic = inPanic(sound, reachable.length, outlier);
    const usable = this.panic ? reachable : well;
    // Balancers keep their place by the list: an unchanged one stays the same array.
    if (!sameMembers(usable, this.#usable)) this.#usable = usable;
    this.#tiers = balance.locality === "off" ? [] : this.#byDistance(place);
  }

  #byDistance(place: Place): readonly Tier<Connection>[] {
    if (place.zone === undefined && place.region === undefined) return [];
    const usable = new Set(this.#usable);
    const tiers = localityTiers(
      this.members.map((each) => ({
        zone: each.snapshot.zone,
        region: each.snapshot.region,
        weight: each.weight,
        healthy: usable.has(each),
      })),
      place,
    );
    const before = this.#tiers;
    return tiers.map(({ share, members: indexes }, index) => {
      const members = indexes.map((each) => this.members[each]!);
      const old = before[index]?.members;
      return { share, members: old !== undefined && sameMembers(old, members) ? old : members };
    });
  }
}

function sameMembers<Item>(a: readonly Item[], b: readonly Item[]): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}
