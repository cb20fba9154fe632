/** The paths that probes and scrapers ask, by themselves: they want little and come for ever. */
import { Hono } from "hono";
import { guard } from "./guard.ts";
import { mount } from "./route.ts";
import { healthRoutes } from "./routes_health.ts";
import type { AdminView } from "./view.ts";

/** What they have to know of the sidecar. */
export type ProbesView = Pick<
  AdminView,
  "token" | "host" | "hostName" | "readiness" | "metrics"
>;

export const probePaths: ReadonlySet<string> = new Set(["/healthz", "/readyz", "/metrics"]);

export function createProbes(view: ProbesView): Hono {
  const routes = healthRoutes(view);
  const open = new Set(routes.filter((one) => one.open === true).map((one) => one.path));
  const app = new Hono();
  app.use(
    "*",
    guard({
      token: () => view.token,
      host: view.host,
      hostName: view.hostName,
      open: (_, path) => open.has(path),
    }),
  );
  mount(app, routes);
  return app;
}
