/** What the event stream sends: the state of the sidecar and its services, piece by piece as they change. */
import * as z from "zod";
import { columns, failures } from "./events.ts";
import { shownState } from "./services.ts";
import type { Shape } from "./shape.ts";
import { readiness } from "./readiness.ts";
import { application, lease, status } from "./state.ts";

const liveState = z.object({
  at: z.number().describe("Milliseconds since 1970."),
  status: status.omit({ uptimeMs: true, application: true, registration: true }),
  readiness,
  application: application.optional(),
  leases: z.array(lease.omit({ heartbeatAgeMs: true })),
});
export type LiveState = Shape<typeof liveState>;

/** One service as the map shows it; its figures come apart from it, since they change all the time. */
const liveService = z.object({
  service: z.string(),
  source: z.enum(["registry", "disk"]),
  states: z.partialRecord(shownState, z.number()).describe(
    "How many endpoints are in which state.",
  ),
  unusable: z.number(),
  endpoints: z.array(z.object({
    address: z.string(),
    instanceId: z.string(),
    state: shownState,
    reason: z.string(),
  })).describe("The first ones, those in trouble before the others."),
});
export type LiveService = Shape<typeof liveService>;

/** requests a second, failures a second, failed share, p50, p95, p99 in milliseconds; null: not known. */
const liveFigures = z.array(z.number().nullable()).length(6);
export type LiveFigures = Shape<typeof liveFigures>;

const liveServiceFigures = z.object({
  figures: liveFigures,
  endpoints: z.array(z.number()).describe("Attempts a second, in the order of the endpoints."),
});
export type LiveServiceFigures = Shape<typeof liveServiceFigures>;

export const liveEvents = {
  state: liveState,
  services: z.object({ changed: z.array(liveService), gone: z.array(z.string()) }),
  figures: z.object({
    all: liveFigures,
    inbound: liveFigures,
    services: z.record(z.string(), liveServiceFigures),
  }),
  points: z.object({ bucketMs: z.number(), all: columns, inbound: columns }),
  failures,
} as const;

/** Names of the events, in the order in which they are sent. */
export type LiveEventName = keyof typeof liveEvents;
