/** Answers to "why?": what would become of a request, and what becomes of those under way. */
import * as z from "zod";
import { problem } from "./problem.ts";
import { json, type Route, route } from "./route.ts";
import { name } from "./routes_services.ts";
import { doctorReport } from "./shapes/doctor.ts";
import { explainQuestion, explanation, tapped } from "./shapes/events.ts";
import { eventStream, eventText, jsonLines, streamed } from "./stream.ts";
import type { AdminView } from "./view.ts";

const tag = "questions";
const number = z.coerce.number<string>();

const tapQuery = z.strictObject({
  role: z.enum(["outbound", "inbound"]).optional(),
  service: name.optional(),
  method: z.string().regex(/^[A-Za-z]{1,32}$/, "is not an HTTP method").transform((text) =>
    text.toUpperCase()
  ).optional(),
  path_prefix: z.string().startsWith("/", "has to begin with /").max(2000).optional(),
  status: number.int()
    .refine((status) => (status >= 1 && status <= 5) || (status >= 100 && status <= 599), {
      message: "is neither a status such as 503 nor a class such as 5",
    }).optional().describe("A status, or its first digit for the class."),
  failures: z.enum(["true", "false"]).optional().describe("Only failures of the sidecar."),
  per_second: number.int().min(1).max(1000).default(100)
    .describe("Requests that each data thread tells of in a second, at most."),
});

export function askRoutes(view: AdminView): readonly Route[] {
  return [
    route({
      method: "post",
      path: "/explain",
      tag,
      summary: "What would become of a request; nothing is sent and nothing is counted.",
      body: explainQuestion,
      answers: {
        200: { description: "Step by step.", schema: explanation },
        504: { description: "No data thread answered in time." },
      },
      answer: async ({ body }) => {
        try {
          return json(await view.explain(body));
        } catch (error) {
          return problem(504, "No explanation came", {
            detail: error instanceof Error ? error.message : String(error),
          });
        }
      },
    }),
    route({
      method: "get",
      path: "/doctor",
      tag,
      summary: "What is wrong with the sidecar and around it, each finding with its fix.",
      answers: { 200: { description: "Look by look; takes seconds.", schema: doctorReport } },
      answer: async () => json(await view.doctor()),
    }),
    route({
      method: "get",
      path: "/tap",
      tag,
      summary:
        "Requests as they end: lines of JSON, or events where the Accept field asks for them.",
      query: tapQuery,
      answers: {
        200: {
          description: "One request at a time.",
          schema: tapped,
          types: [jsonLines, eventStream],
        },
        503: { description: "Too many listen already." },
      },
      answer: ({ query, context }) => {
        const ended = new AbortController();
        const items = view.tap({
          role: query.role,
          service: query.service,
          method: query.method,
          pathPrefix: query.path_prefix,
          status: query.status,
          failuresOnly: query.failures === undefined ? undefined : query.failures === "true",
          perSecond: query.per_second,
        }, ended.signal);
        if (items === undefined) {
          return problem(503, "Too many listen already", { headers: { "retry-after": "10" } });
        }
        const asEvents = (context.req.header("accept") ?? "").includes(eventStream);
        return streamed(items, {
          type: asEvents ? eventStream : jsonLines,
          text: (item) => {
            const line = JSON.stringify(item);
            if (!asEvents) return `${line}\n`;
            return eventText("dropped" in item ? "dropped" : "request", line);
          },
          end: () => ended.abort(),
        });
      },
    }),
  ];
}
