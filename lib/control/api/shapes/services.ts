/** Answers on services, their endpoints and their rules. */
import * as z from "zod";
import { ejectReasons, endpointStates } from "../../../plane/counters.ts";
import type { RouteRule, ServicePolicy } from "../../../core/traffic.ts";
import type { Shape } from "./shape.ts";

const wallMs = z.number().describe("Milliseconds since 1970.");

export const shownState = z.enum([...endpointStates, "unknown"]);

export const endpoint = z.object({
  host: z.string(),
  port: z.number(),
  instanceId: z.string(),
  version: z.string(),
  mesher: z.boolean().describe("A mesher sidecar listens there."),
  region: z.string().optional(),
  zone: z.string().optional(),
  weight: z.number().optional(),
  tags: z.record(z.string(), z.string()).optional(),
  slot: z.number().optional().describe("Number of its counters; missing when all are taken."),
  state: shownState,
  reason: z.enum(ejectReasons).describe("Why it is not called."),
  threads: z.object({ agreeing: z.number(), all: z.number() })
    .describe("How many of the data threads hold it to be so; the others hold it to be better."),
  endsInMs: z.number().optional().describe("Milliseconds until the state ends by itself."),
  latencyMs: z.number().optional().describe("Moving average of the time to the first byte."),
  open: z.number().describe("Attempts under way."),
  attempts: z.number().describe("Since the data threads know it."),
  failures: z.number(),
  ejections: z.number(),
  perSecond: z.number().describe("Attempts a second, over the last ten seconds or so."),
});
export type EndpointView = Shape<typeof endpoint>;

export const recent = z.object({
  perSecond: z.number().describe("Requests a second over the last ten seconds."),
  failedPerSecond: z.number(),
  failedShare: z.number().describe("Of the last minute, in [0, 1]."),
  p50Ms: z.number().optional().describe("Of the last minute; missing without a request in it."),
  p95Ms: z.number().optional(),
  p99Ms: z.number().optional(),
});
export type RecentView = Shape<typeof recent>;

export const service = z.object({
  service: z.string(),
  source: z.enum(["registry", "disk"]),
  ageMs: z.number().describe("Milliseconds since the registry last confirmed the set."),
  instances: z.number().describe("In the registry, of every status."),
  lastError: z.string().optional(),
  endpoints: z.array(endpoint),
  unusable: z.array(z.string()).describe("Instances that cannot be called, with the reason."),
  recent: recent.optional().describe("Missing when it was not called for 15 minutes."),
});
export type ServiceView = Shape<typeof service>;

export const endpointHistory = z.object({
  events: z.array(z.object({
    at: wallMs,
    state: shownState,
    reason: z.enum(ejectReasons),
  })).describe("Changes of the state, oldest first; the first is when it was first seen."),
  minutes: z.array(z.object({
    endAt: wallMs,
    attempts: z.number(),
    failures: z.number(),
  })).describe("The last 15 minutes, oldest first; the last one is not over."),
});

export const serviceDetail = service.extend({
  endpoints: z.array(endpoint.extend({ history: endpointHistory })),
});
export type ServiceDetail = Shape<typeof serviceDetail>;

export const listedEndpoint = endpoint.extend({ service: z.string() });
export type ListedEndpoint = Shape<typeof listedEndpoint>;

export const serviceRules = z.object({
  service: z.string().describe("Empty: every service without rules of its own."),
  routes: z.array(z.looseObject({ name: z.string() }) as unknown as z.ZodType<RouteRule>)
    .describe("In order; the first rule that fits a request decides."),
  policy: (z.looseObject({}) as unknown as z.ZodType<Omit<ServicePolicy, "routes">>)
    .describe("Everything else that holds for calls to it: balancing, retries, limits, timeouts."),
});
export type ServiceRules = Shape<typeof serviceRules>;
