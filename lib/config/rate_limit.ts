/** How the configuration says a rate limit. */
import * as z from "zod";
import type { RateLimit } from "../core/traffic.ts";
import { keys } from "./leaf.ts";
import { maybe } from "./collections.ts";
import { requestMatch } from "./request_match.ts";
import { perSecond, ruleName, trafficKey } from "./traffic_leaves.ts";
import { count } from "./values.ts";

const limitKeys = keys({
  name: ruleName(),
  match: requestMatch.optional(),
  per: trafficKey().optional(),
  per_second: perSecond(),
  burst: maybe(count(1, { min: 1, max: 1_000_000 })),
});

/** One limit. Shape: without `burst` as many at once as come in a second, one at least. */
export const rateLimit = Object.assign(
  z.codec(limitKeys, z.custom<RateLimit>(), {
    decode: ({ burst, ...rest }) => ({
      ...rest,
      burst: burst ?? Math.max(1, Math.ceil(rest.perSecond)),
    }),
    encode: (limit) => limit,
  }),
  { shape: limitKeys.shape },
);
