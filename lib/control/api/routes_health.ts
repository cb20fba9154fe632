/** Is it alive, is it ready, what does it count: the paths that probes and scrapers ask. */
import { probesOf, type ProbesView } from "./probes.ts";
import { type Route, route } from "./route.ts";
import { readiness } from "./shapes/readiness.ts";

export function healthRoutes(view: ProbesView): readonly Route[] {
  const probes = probesOf(view);
  return [
    route({
      method: "get",
      path: "/healthz",
      tag: "health",
      summary: "The process is alive.",
      open: probes["/healthz"].open,
      answers: { 200: { description: "It is.", types: ["text/plain"] } },
      answer: ({ context }) => probes["/healthz"].answer(context.req.raw),
    }),
    route({
      method: "get",
      path: "/readyz",
      tag: "health",
      summary: "Calls can be served; if not, why.",
      open: probes["/readyz"].open,
      answers: {
        200: { description: "Ready.", schema: readiness },
        503: { description: "Not ready, with the reasons.", schema: readiness },
      },
      answer: ({ context }) => probes["/readyz"].answer(context.req.raw),
    }),
    route({
      method: "get",
      path: "/metrics",
      tag: "health",
      summary: "All metrics, in the Prometheus text format or in OpenMetrics by the Accept field.",
      open: probes["/metrics"].open,
      answers: {
        200: {
          description: "The metrics.",
          types: ["text/plain", "application/openmetrics-text"],
        },
      },
      answer: ({ context }) => probes["/metrics"].answer(context.req.raw),
    }),
  ];
}
