/** Answers on the sidecar as a whole: readiness, status, leases, connections, snapshots, configuration. */
import * as z from "zod";
import type { RegistrationState } from "../../registry/registration.ts";
import type { Shape } from "./shape.ts";

const wallMs = z.number().describe("Milliseconds since 1970.");
const ms = z.number().describe("Milliseconds.");

export const registryState = z.object({
  kind: z.string(),
  address: z.string(),
  servedHere: z.boolean().describe("This process serves the registry itself."),
  reachable: z.boolean().optional().describe("Missing until the first call has ended."),
  lastAnswerAt: wallMs.optional(),
  lastAnswerAgoMs: ms.optional(),
  lastError: z.string().optional(),
  watch: z.object({
    connected: z.boolean(),
    sinceMs: ms.optional().describe("How long it has been so."),
    why: z.string().optional().describe("Why it is not connected."),
  }).optional().describe("Missing where the registry is not watched."),
});

export const lease = z.object({
  service: z.string(),
  app: z.string(),
  version: z.string(),
  environment: z.string(),
  state: z.enum(["waiting", "registering", "registered", "lost", "stopped"]),
  status: z.string().optional().describe("What the registry was last told."),
  serviceId: z.string().optional(),
  instanceId: z.string().optional(),
  heartbeatAgeMs: ms.optional().describe("Since the registry last confirmed the lease."),
  advertised: z.string().describe("Where peers are told to call."),
  lastError: z.string().optional(),
});
export type LeaseView = Shape<typeof lease>;

export const application = z.object({
  verdict: z.enum(["unknown", "up", "down"]),
  sinceMs: wallMs,
  checkedAtMs: wallMs.optional(),
  checks: z.array(z.object({
    check: z.string(),
    verdict: z.enum(["unknown", "up", "down"]),
    lastOk: z.boolean().optional(),
    reason: z.string(),
    streak: z.number(),
  })),
  advertised: z.object({ host: z.string(), port: z.number() }),
});

export const registration =
  (z.looseObject({ state: z.string() }) as unknown as z.ZodType<RegistrationState>)
    .describe("See /leases for the same with words.");

export const status = z.object({
  version: z.string(),
  commit: z.string().optional(),
  service: z.string().optional().describe("Missing for a consumer without a name."),
  app: z.string(),
  environment: z.string(),
  serviceVersion: z.string(),
  startedAt: wallMs,
  uptimeMs: ms,
  net: z.enum(["native", "portable"]),
  threads: z.number(),
  threadsReplaced: z.number(),
  outbound: z.string().optional(),
  inbound: z.string().optional(),
  admin: z.string().optional(),
  registry: registryState,
  application: application.optional(),
  registration: registration.optional(),
  draining: z.boolean(),
  refusedReloads: z.object({ count: z.number(), last: z.string() }),
  revision: z.number().describe("Of the policy that was sent to the data threads last."),
});
export type StatusView = Shape<typeof status>;

export const connections = z.object({
  clients: z.object({
    accepted: z.number(),
    open: z.number(),
    inboundOpen: z.number().describe("Of those, callers of the own application."),
    acceptPauses: z.number().describe(
      "Times that accepting paused: too many were open, or descriptors ran out.",
    ),
  }),
  upstreams: z.object({ dialled: z.number(), idle: z.number() }),
  tunnels: z.object({ open: z.number(), splicedBytes: z.number() }),
  threads: z.array(z.object({
    thread: z.number(),
    clientsOpen: z.number(),
    upstreamsIdle: z.number(),
    tunnelsOpen: z.number(),
    loopTurns: z.number(),
  })),
  services: z.array(z.object({
    direction: z.string(),
    service: z.string(),
    requestsOpen: z.number(),
    requestsQueued: z.number(),
  })).describe("Those with a request under way."),
});
export type ConnectionsView = Shape<typeof connections>;

export const snapshots = z.object({
  disk: z.object({
    path: z.string(),
    savedAt: wallMs.optional().describe("Missing until this process has written it."),
    restored: z.number().describe("Services that were taken from it at the start."),
  }).optional().describe("Missing when nothing is kept on disk."),
  policy: z.object({
    revision: z.number(),
    acknowledged: z.array(z.number()).describe("Newest revision in force, thread by thread."),
  }),
  services: z.array(z.object({
    service: z.string(),
    source: z.enum(["registry", "disk"]),
    ageMs: ms.describe("Since the registry last confirmed it."),
    instances: z.number(),
    kept: z.number().describe("Instances that the registry no longer lists and that still answer."),
    endpoints: z.number(),
    lastError: z.string().optional(),
  })),
});
export type SnapshotsView = Shape<typeof snapshots>;

export const configuration = z.looseObject({})
  .describe("Every key at its effective value, as the file would say it; secrets are masked.");

export const configurationSources = z.object({
  sources: z.record(z.string(), z.string())
    .describe("Of every key what set it: a file, a variable, a flag, or default."),
  refusedReloads: z.object({ count: z.number(), last: z.string() }),
});
export type ConfigurationSources = Shape<typeof configurationSources>;

export const logLevel = z.strictObject({ level: z.enum(["error", "warn", "info", "debug"]) });
export type LogLevel = Shape<typeof logLevel>["level"];

export const draining = z.object({ draining: z.literal(true) });

export const reload = z.object({
  changed: z.array(z.string()).describe(
    "Keys with another value than before; empty: nothing to do.",
  ),
});
/** What became of a reload. */
export type ReloadOutcome =
  | { readonly kind: "taken"; readonly changed: readonly string[] }
  | { readonly kind: "refused"; readonly why: string };
