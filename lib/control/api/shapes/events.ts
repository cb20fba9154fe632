/** Answers on what has happened: history, failures, single requests, explanations. */
import * as z from "zod";
import { type FailureCode, failureCodes } from "../../../core/errors.ts";
import type { Shape } from "./shape.ts";

const wallMs = z.number().describe("Milliseconds since 1970.");
const code = z.enum(failureCodes as readonly [FailureCode, ...FailureCode[]]);
const role = z.enum(["outbound", "inbound"]);

export const failure = z.object({
  sequence: z.number().describe("Counts up from 1 over the life of the process."),
  at: wallMs,
  role,
  code,
  title: z.string().describe("What the code means."),
  check: z.string().describe("What to look at first."),
  fault: z.enum(["downstream", "mesh", "upstream", "sidecar"]).describe("Who has to act."),
  status: z.number(),
  method: z.string(),
  target: z.string(),
  service: z.string(),
  endpoint: z.string(),
  attempts: z.number(),
  detail: z.string().describe("What happened this time."),
});
export type FailureView = Shape<typeof failure>;

export const failures = z.object({
  newest: z.number().describe("Sequence of the newest."),
  dropped: z.number().describe("Failures that came too fast to be told of one by one."),
  failures: z.array(failure).describe("Newest first."),
});
export type FailuresView = Shape<typeof failures>;

const column = z.array(z.number().nullable()).describe("null: nothing is known.");

export const columns = z.object({
  at: z.array(wallMs).describe("When each bucket ended, oldest first."),
  requests: column,
  failed: column.describe("Answered with a 5xx, cut, or not at all."),
  retries: column,
  p50Ms: column,
  p95Ms: column,
  p99Ms: column,
});
export type ColumnsView = Shape<typeof columns>;

export const history = z.object({
  scope: z.string().describe("all, inbound, rest, or service."),
  service: z.string().optional(),
  bucketMs: z.number(),
  aggregated: z.boolean()
    .describe("There are too many services; the figures are those of all beyond the first ones."),
  columns,
});

export const attemptRecord = z.object({
  endpoint: z.string(),
  startMs: z.number().describe("Milliseconds since the request's beginning."),
  firstByteMs: z.number().optional(),
  endMs: z.number(),
  status: z.number().optional(),
  code: code.optional(),
  spanId: z.string().optional(),
});

export const requestRecord = z.object({
  at: wallMs,
  role,
  method: z.string(),
  path: z.string().describe("Without the query."),
  authority: z.string(),
  service: z.string(),
  caller: z.string(),
  client: z.string(),
  route: z.string().optional(),
  status: z.number().describe(
    "499 when the client left before its answer; of one that broke off, what was sent.",
  ),
  code: code.optional(),
  detail: z.string().optional(),
  requestBytes: z.number(),
  responseBytes: z.number(),
  durationMs: z.number(),
  firstByteMs: z.number().optional(),
  ownMs: z.number().describe("What the sidecar itself took."),
  attempts: z.array(attemptRecord),
  trace: z.looseObject({ traceId: z.string(), spanId: z.string() }).optional(),
  logged: z.boolean(),
  taps: z.array(z.number()),
});

export const tapped = z.union([
  requestRecord,
  z.object({ dropped: z.number().describe("Requests that came too fast.") }),
]);

export type TappedView = Shape<typeof tapped>;

export const explainQuestion = z.strictObject({
  method: z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/, "is not an HTTP method")
    .default("GET"),
  url: z.string().max(8192).regex(
    /^http:\/\/[^\s/?#]+(?:[/?#]\S*)?$/i,
    "is not an http:// URL with a host; write http://Service/path",
  ).describe("As the application would call it: http://Service:port/path."),
  headers: z.array(z.tuple([z.string().min(1).max(256), z.string().max(8192)])).max(100)
    .default([]),
});
export type ExplainBody = Shape<typeof explainQuestion>;

export const explanation = z.object({
  steps: z.array(z.object({ step: z.string(), result: z.string() }))
    .describe("In the order in which they would be taken."),
  service: z.string().optional(),
  route: z.string().optional(),
  candidates: z.array(z.object({
    endpoint: z.string(),
    instanceId: z.string(),
    state: z.string(),
    excluded: z.string().optional().describe("Why it may not be picked; missing: it may."),
    share: z.number().optional(),
  })),
  pick: z.string().optional(),
  failure: z.object({ code, detail: z.string() }).optional()
    .describe("What it would end in at once."),
  policy: z.looseObject({}).optional(),
});
export type ExplanationView = Shape<typeof explanation>;
