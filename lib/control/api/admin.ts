/** The admin API: one table of paths, the guard in front of it, and the document made of it. */
import { Hono } from "hono";
import { guard } from "./guard.ts";
import { openApiDocument } from "./openapi.ts";
import { policyDescriptions } from "./policies_document.ts";
import { problem } from "./problem.ts";
import { json, mount, type Route, route } from "./route.ts";
import { askRoutes } from "./routes_ask.ts";
import { controlRoutes } from "./routes_control.ts";
import { eventRoutes } from "./routes_events.ts";
import { healthRoutes } from "./routes_health.ts";
import { pageRoutes } from "./routes_page.ts";
import { serviceRoutes } from "./routes_services.ts";
import { stateRoutes } from "./routes_state.ts";
import type { AdminView } from "./view.ts";

export function createAdmin(view: AdminView): Hono {
  const routes: Route[] = [
    ...healthRoutes(view),
    ...stateRoutes(view),
    ...serviceRoutes(view),
    ...eventRoutes(view),
    ...askRoutes(view),
    ...controlRoutes(view),
    ...pageRoutes,
  ];
  routes.push(documentRoute(view, routes));
  const app = new Hono();
  app.use(
    "*",
    guard({
      token: () => view.token,
      host: view.host,
      hostName: view.hostName,
      open: openPaths(routes),
    }),
  );
  mount(app, routes);
  if (view.policies !== undefined) app.route("/", view.policies);
  app.notFound((context) => {
    const paths = [...new Set(routes.map((one) => one.path))];
    return problem(404, `There is no ${context.req.method} ${context.req.path} here`, {
      detail: `The paths are ${paths.join(", ")}; /openapi.json describes them.`,
    });
  });
  app.onError((error) => problem(500, "The sidecar failed to answer", { detail: error.message }));
  return app;
}

/** Shape: the document is made when it is asked for, which is hardly ever. */
function documentRoute(view: AdminView, routes: readonly Route[]): Route {
  return route({
    method: "get",
    path: "/openapi.json",
    tag: "page",
    summary: "This API as an OpenAPI 3.1 document.",
    answers: { 200: { description: "The document." } },
    answer: () => {
      const policies = view.policies === undefined ? [] : policyDescriptions;
      return json(openApiDocument([...routes, ...policies], { version: view.version }));
    },
  });
}

/** Tells which requests need no token. */
function openPaths(routes: readonly Route[]): (method: string, path: string) => boolean {
  const patterns = routes.filter((one) => one.open === true).map(({ method, path }) => ({
    method,
    pattern: new RegExp(`^${path.replaceAll(".", "\\.").replace(/:\w+/g, "[^/]+")}$`),
  }));
  return (method, path) => {
    const asked = method === "HEAD" ? "get" : method.toLowerCase();
    return patterns.some((one) => one.method === asked && one.pattern.test(path));
  };
}
