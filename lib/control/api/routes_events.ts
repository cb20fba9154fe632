/** What has happened and what happens: failures, history, the event stream. */
import * as z from "zod";
import { failureCodes } from "../../core/errors.ts";
import { problem } from "./problem.ts";
import { json, type Route, route } from "./route.ts";
import { name } from "./routes_services.ts";
import { failures, history } from "./shapes/events.ts";
import { eventStream, eventText, streamed } from "./stream.ts";
import type { AdminView, HistoryQuery } from "./view.ts";

const tag = "events";
const number = z.coerce.number<string>();

const historyQuery = z.strictObject({
  scope: z.enum(["all", "inbound", "rest"]).optional(),
  service: name.optional(),
  since: number.min(0).optional()
    .describe("Only what ended after this moment, in milliseconds since 1970."),
}).refine((query) => query.scope === undefined || query.service === undefined, {
  message: "scope and service exclude each other",
});

export function eventRoutes(view: AdminView): readonly Route[] {
  return [
    route({
      method: "get",
      path: "/failures",
      tag,
      summary: "The latest failures, each with its reason and what to check.",
      query: z.strictObject({
        service: name.optional(),
        code: z.enum(failureCodes as readonly [string, ...string[]]).optional(),
        after: number.int().min(0).optional().describe("Only those of a higher sequence."),
        limit: number.int().min(1).max(200).optional(),
      }),
      answers: { 200: { description: "At most 200.", schema: failures } },
      answer: ({ query }) => json(view.failures(query)),
    }),
    route({
      method: "get",
      path: "/history",
      tag,
      summary: "Requests, failures, retries and latency of the last 15 minutes.",
      query: historyQuery,
      answers: { 200: { description: "Column by column.", schema: history } },
      answer: ({ query }) => {
        const scope: HistoryQuery["scope"] = query.service === undefined
          ? query.scope ?? "all"
          : { service: query.service };
        const answer = view.history({ scope, sinceAt: query.since });
        return json({
          scope: typeof scope === "string" ? scope : "service",
          ...(query.service === undefined ? {} : { service: query.service }),
          ...answer,
        });
      },
    }),
    route({
      method: "get",
      path: "/events",
      tag,
      summary: "A stream of changes, as the live page shows them: everything first, then news.",
      answers: {
        200: {
          description: "Events named state, services, figures, points and failures, each with " +
            "JSON as its data.",
          types: [eventStream],
        },
        503: { description: "Too many listen already." },
      },
      answer: () => {
        const ended = new AbortController();
        const events = view.live.listen(ended.signal);
        if (events === undefined) {
          return problem(503, "Too many pages are open", { headers: { "retry-after": "10" } });
        }
        return streamed(events, {
          type: eventStream,
          text: ({ event, data }) => eventText(event, data),
          end: () => ended.abort(),
        });
      },
    }),
  ];
}
