/** The usable members of a set by their distance. */
import { localityTiers, type Place } from "../balance/locality.ts";
import type { Poolable } from "../net/pool.ts";
import { EndpointState } from "./endpoint.ts";
import { MemberList } from "./member_list.ts";
import type { Member, Roster } from "./roster.ts";

/** Usable endpoints of one distance. */
export interface Tier<Connection extends Poolable> {
  /** Of the load. */
  readonly share: number;
  readonly list: MemberList<Connection>;
}

/** Shape: `usable` are positions; `before` are the tiers until now, whose lists go on where they have the same members. */
export function tiersOf<Connection extends Poolable>(
  roster: Roster<Connection>,
  { before, place, usable }: {
    readonly before: readonly Tier<Connection>[];
    readonly place: Place;
    readonly usable: readonly number[];
  },
): readonly Tier<Connection>[] {
  if (place.zone === undefined && place.region === undefined) return [];
  const healthy = new Uint8Array(roster.size);
  for (const position of usable) healthy[position] = 1;
  const tiers = localityTiers(
    roster.members.map((each, position) => {
      const { region, zone } = placeOf(each);
      return { zone, region, weight: each.weight, healthy: healthy[position] === 1 };
    }),
    place,
  );
  return tiers.map(({ members, share }, index) => ({
    share,
    list: MemberList.at(roster, members, before[index]?.list),
  }));
}

function placeOf<Connection extends Poolable>(member: Member<Connection>): Place {
  return member instanceof EndpointState ? member.snapshot : member;
}
