/** What can be done to a running sidecar: log level, drain, reload. */
import * as z from "zod";
import { problem } from "./problem.ts";
import { json, type Route, route } from "./route.ts";
import { draining, logLevel, reload } from "./shapes/state.ts";
import type { AdminView } from "./view.ts";

const tag = "control";

export function controlRoutes(view: AdminView): readonly Route[] {
  const level = () => json({ level: view.logLevel() });
  return [
    route({
      method: "get",
      path: "/log-level",
      tag,
      summary: "How much is logged.",
      answers: { 200: { description: "The level.", schema: logLevel } },
      answer: level,
    }),
    route({
      method: "put",
      path: "/log-level",
      tag,
      summary: "Changes how much is logged, until the next reload or restart.",
      body: logLevel,
      answers: { 200: { description: "The new level.", schema: logLevel } },
      answer: ({ body }) => {
        view.setLogLevel(body.level);
        return level();
      },
    }),
    route({
      method: "post",
      path: "/drain",
      tag,
      summary: "Takes the application out of the mesh; its own calls go on.",
      body: z.strictObject({}),
      answers: { 202: { description: "It has begun, or had begun before.", schema: draining } },
      answer: () => {
        view.drain();
        return json({ draining: true }, 202);
      },
    }),
    route({
      method: "post",
      path: "/reload",
      tag,
      summary: "Loads the configuration again.",
      body: z.strictObject({}),
      answers: {
        200: { description: "It is in force.", schema: reload },
        409: { description: "It is not used, with the reason; the old one stays." },
      },
      answer: async () => {
        const outcome = await view.reload();
        if (outcome.kind === "taken") return json({ changed: outcome.changed });
        return problem(409, "The configuration is not used", { detail: outcome.why });
      },
    }),
  ];
}
