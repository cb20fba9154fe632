/** Is it alive, is it ready, what does it count: the paths that probes and scrapers ask. */
import { json, type Route, route } from "./route.ts";
import { readiness } from "./shapes/readiness.ts";
import type { ProbesView } from "./probes.ts";

export function healthRoutes(view: ProbesView): readonly Route[] {
  return [
    route({
      method: "get",
      path: "/healthz",
      tag: "health",
      summary: "The process is alive.",
      open: true,
      answers: { 200: { description: "It is.", types: ["text/plain"] } },
      answer: () => new Response("ok\n", { headers: { "content-type": "text/plain" } }),
    }),
    route({
      method: "get",
      path: "/readyz",
      tag: "health",
      summary: "Calls can be served; if not, why.",
      open: true,
      answers: {
        200: { description: "Ready.", schema: readiness },
        503: { description: "Not ready, with the reasons.", schema: readiness },
      },
      answer: () => {
        const state = view.readiness();
        return json(state, state.ready ? 200 : 503);
      },
    }),
    route({
      method: "get",
      path: "/metrics",
      tag: "health",
      summary: "All metrics, in the Prometheus text format or in OpenMetrics by the Accept field.",
      answers: {
        200: {
          description: "The metrics.",
          types: ["text/plain", "application/openmetrics-text"],
        },
      },
      answer: ({ context }) => {
        const { type, text } = view.metrics(context.req.header("accept"));
        return new Response(text, { headers: { "content-type": type, vary: "accept" } });
      },
    }),
  ];
}
