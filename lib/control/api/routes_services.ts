/** What is called: services, endpoints, the rules that hold for them. */
import * as z from "zod";
import { problem } from "./problem.ts";
import { json, type Route, route } from "./route.ts";
import {
  listedEndpoint,
  service,
  serviceDetail,
  serviceRules,
  shownState,
} from "./shapes/services.ts";
import type { AdminView } from "./view.ts";

const tag = "services";
export const name = z.string().min(1, "is empty").max(200, "is longer than 200 characters");

export function serviceRoutes(view: AdminView): readonly Route[] {
  return [
    route({
      method: "get",
      path: "/services",
      tag,
      summary: "Every service that is called, with its endpoints and their states.",
      answers: { 200: { description: "The services.", schema: z.array(service) } },
      answer: () => json(view.services()),
    }),
    route({
      method: "get",
      path: "/services/:name",
      tag,
      summary: "One service, with the history of its endpoints.",
      params: z.object({ name }),
      answers: {
        200: { description: "The service.", schema: serviceDetail },
        404: { description: "It is not followed." },
      },
      answer: ({ params }) => {
        const found = view.service(params.name);
        if (found !== undefined) return json(found);
        const known = view.services().map((one) => one.service);
        const same = known.find((one) => one.toLowerCase() === params.name.toLowerCase());
        return problem(404, `The service ${JSON.stringify(params.name)} is not followed`, {
          detail: same === undefined
            ? "Nobody has called it through this sidecar of late; a first call makes it known."
            : `Names are case-sensitive here; there is ${same}.`,
        });
      },
    }),
    route({
      method: "get",
      path: "/endpoints",
      tag,
      summary: "The endpoints of all services in one list.",
      query: z.strictObject({ service: name.optional(), state: shownState.optional() }),
      answers: { 200: { description: "The endpoints.", schema: z.array(listedEndpoint) } },
      answer: ({ query }) =>
        json(
          view.endpoints().filter((one) =>
            (query.service === undefined || one.service === query.service) &&
            (query.state === undefined || one.state === query.state)
          ),
        ),
    }),
    route({
      method: "get",
      path: "/routes",
      tag,
      summary: "The rules in force: routes and everything else that holds for calls.",
      query: z.strictObject({ service: name.optional() }),
      answers: { 200: { description: "Service by service.", schema: z.array(serviceRules) } },
      answer: ({ query }) => {
        const rules = view.rules();
        if (query.service === undefined) return json(rules);
        const own = rules.filter((one) => one.service === query.service);
        return json(own.length > 0 ? own : rules.filter((one) => one.service === ""));
      },
    }),
  ];
}
