/** What the configuration says of single services, and of calls to the own application. */
import * as z from "zod";
import { isServiceName } from "../core/names.ts";
import { mapOf, maybe, part } from "./collections.ts";
import { egressRule } from "./egress_rule.ts";
import { type ConfigOf, group, keys } from "./leaf.ts";
import { rateLimit } from "./rate_limit.ts";
import { route } from "./route.ts";
import { balance, breaker, concurrency, fault, outlier, retry } from "./traffic_groups.ts";
import { duration } from "./values.ts";

export const rateLimits = z.array(rateLimit).prefault([]);
export const routes = z.array(route).prefault([]);
export const egressRules = z.array(egressRule).prefault([]);
export const callerConcurrency = concurrency(1024);

const serviceKeys = keys({
  balance: part(balance).optional(),
  outlier: part(outlier).optional(),
  retry: part(retry).optional(),
  timeouts: keys({ response: maybe(duration("30s")) }).optional(),
  breaker: part(breaker).optional(),
  concurrency: part(callerConcurrency).optional(),
  rate_limits: z.array(rateLimit).optional(),
  fault: part(fault).optional(),
  routes: z.array(route).optional(),
});

/** What is said of one service. Shape: what is not said is that of the top level, key by key. */
export type ServiceKeys = ConfigOf<typeof serviceKeys.shape>;

export const services = mapOf(serviceKeys, {
  what: "the name of a service (letters and digits, inside also _ - and ., at most 128)",
  accepts: isServiceName,
}).prefault({});

export const provider = group({
  concurrency: concurrency(0),
  rate_limits: rateLimits,
  fault,
});
