/** How the configuration says where a route leads: a service, a version of it, instances with certain properties. */
import * as z from "zod";
import type { RouteRule, RouteTarget, SubsetTags } from "../core/traffic.ts";
import { checked, type Finding, mapOf, type NameRule } from "./collections.ts";
import { keys } from "./leaf.ts";
import { serviceName } from "./request_match.ts";
import { isLine, percentage, weight } from "./traffic_leaves.ts";
import { fromPercent, toPercent } from "./traffic_values.ts";
import { text } from "./values.ts";

const tagName: NameRule = {
  what: "the name of a property (1 to 128 characters; a version is said by version)",
  accepts: (name) => name !== "version" && name !== "" && isLine(name, 128),
};

const place = {
  service: serviceName.optional(),
  version: text({
    what: "a version (numbers with dots, latest, or a range such as 1.0+)",
    accepts: (version) => /^[0-9A-Za-z.+-]{1,64}$/.test(version),
    example: "1.0.2",
  }).optional(),
  tags: mapOf(text({ what: "a text", accepts: () => true }), tagName).optional(),
};

interface PlaceKeys {
  readonly version?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** Version and properties as one set of tags, the way instances are compared with. */
function subsetOf({ version, tags }: PlaceKeys): { readonly subset?: SubsetTags } {
  const subset = { ...tags, ...(version === undefined ? {} : { version }) };
  return Object.keys(subset).length === 0 ? {} : { subset };
}

function placeKeys(subset: SubsetTags = {}): PlaceKeys {
  const { version, ...tags } = subset;
  return {
    ...(version === undefined ? {} : { version }),
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
  };
}

const targetKeys = keys({ weight: weight(), ...place });

/** One of the places a route leads to. */
export const target = Object.assign(
  z.codec(targetKeys, z.custom<RouteTarget>(), {
    decode: ({ version, tags, ...rest }): RouteTarget => ({
      ...rest,
      ...subsetOf({ ...(version && { version }), ...(tags && { tags }) }),
    }),
    encode: ({ subset, ...rest }) => ({ ...rest, ...placeKeys(subset) }),
  }),
  { shape: targetKeys.shape },
);

type Mirror = NonNullable<RouteRule["mirror"]>;

const mirrorKeys = keys({ ...place, percent: percentage(100) });

/** Where copies of requests go. */
export const mirror = checked(
  Object.assign(
    z.codec(mirrorKeys, z.custom<Mirror>(), {
      decode: ({ version, tags, percent, ...rest }): Mirror => ({
        ...rest,
        ...subsetOf({ ...(version && { version }), ...(tags && { tags }) }),
        share: fromPercent(percent),
      }),
      encode: ({ subset, share, ...rest }) => ({
        ...rest,
        ...placeKeys(subset),
        percent: toPercent(share),
      }),
    }),
    { shape: mirrorKeys.shape },
  ),
  function* ({ service, subset }: Mirror): Generator<Finding> {
    if (service !== undefined || subset !== undefined) return;
    yield { path: [], expectation: "is not a mirror; say service, version or tags of the copies" };
  },
);
