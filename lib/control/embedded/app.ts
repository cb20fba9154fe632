/** The registry's web app: all routes of the Service Center v4 wire over one store. */
import { Hono } from "hono";
import type { Logger } from "../../core/ports.ts";
import { json, notFound, text } from "./answers.ts";
import { batchFind } from "./batch_find.ts";
import { mount, type Route } from "./call.ts";
import { preflight, refuseForeignWrite } from "./cors.ts";
import { RegistryFault } from "./faults.ts";
import type { FindPlaces } from "./find.ts";
import type { Leases } from "./lease.ts";
import { dependencyRoutes } from "./routes_dependencies.ts";
import { findInstances, getInstance, listInstances } from "./routes_find.ts";
import { governRoutes } from "./routes_govern.ts";
import { instanceRoutes } from "./routes_instances.ts";
import { schemaRoutes } from "./routes_schemas.ts";
import { serviceRoutes } from "./routes_services.ts";
import { type BuildInfo, systemRoutes } from "./routes_system.ts";
import { tagRoutes } from "./routes_tags.ts";
import { heartbeatSocket, type Upgrade, watch } from "./routes_watch.ts";
import type { WatchHub } from "./watch.ts";

const maxUriLength = 2048;

export interface AppParts extends FindPlaces {
  readonly leases: Leases;
  readonly hub: WatchHub;
  readonly logger: Logger;
  readonly build: BuildInfo;
  readonly upgrade: Upgrade | undefined;
}

/** Builds the app. Shape: it never throws; what goes wrong inside becomes a 500 with the wire's error body. */
export function createApp(parts: AppParts): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    parts.leases.sweep();
    // Read before anything is done: a request that became a web socket tells nothing any more.
    const isCrossOrigin = context.req.header("Origin") !== undefined;
    const refused = refuseUri(context.req.raw) ?? preflight(context.req.raw) ??
      refuseForeignWrite(context.req.raw);
    if (refused) context.res = refused;
    else await next();
    // The answer of a web socket handshake belongs to the runtime and must not be touched.
    if (context.res.status === 101) return;
    context.res.headers.set("Server", `SERVICECENTER/${parts.build.version}`);
    // Our own clients see by it that another process has taken over, which may know less.
    context.res.headers.set("X-Registry-Epoch", parts.store.epoch);
    if (isCrossOrigin) context.res.headers.set("Access-Control-Allow-Origin", "*");
  });
  app.notFound(() => notFound());
  app.onError((error) => {
    if (error instanceof RegistryFault) return json(error, { status: error.status });
    parts.logger.error("the embedded registry failed to answer a request", { error });
    return json(new RegistryFault("500003", "The registry failed; its log has the reason."), {
      status: 500,
    });
  });

  const registry = registryRoutes(parts);
  const system = systemRoutes(parts, parts.build);
  const at = (base: string) => ({ base, places: parts });
  mount(app, [...system.registry, ...registry], at("/v4/:project/registry"));
  mount(app, governRoutes(parts), at("/v4/:project/govern"));
  mount(app, system.admin, at("/v4/:project/admin"));
  mount(app, registry.filter((route) => route.legacy), at("/registry/v3"));
  mount(app, system.root, at(""));
  return app;
}

function registryRoutes(parts: AppParts): readonly Route[] {
  const { store } = parts;
  const sockets = { store, upgrade: parts.upgrade };
  const reads = {
    list: listInstances.bind(undefined, parts),
    one: getInstance.bind(undefined, parts),
  };
  return [
    ...serviceRoutes(parts),
    ...tagRoutes(parts),
    ...schemaRoutes(parts),
    ...dependencyRoutes(parts),
    ...instanceRoutes(store, reads, (call) => heartbeatSocket(call, sockets)),
    { path: "/instances", legacy: true, methods: { GET: (call) => findInstances(parts, call) } },
    { path: "/instances/action", methods: { POST: (call) => batchFind(parts, call) } },
    {
      path: "/microservices/:serviceId/watcher",
      legacy: true,
      methods: { GET: (call) => watch(parts.hub, call, sockets) },
    },
  ];
}

/**
 * Refuses addresses that the original refuses, without acting on them.
 *
 * Shape: an empty id makes `//` in the path, which is answered with the cleaned path; characters at the end of the
 * query at which the original takes offence are let pass.
 */
function refuseUri(request: Request): Response | undefined {
  const uri = request.url.replace(/^[a-z]+:\/\/[^/]*/i, "");
  const [path = ""] = uri.split("?", 1);
  if (path.includes("//")) {
    const cleaned = path.replaceAll(/\/{2,}/g, "/");
    const body = request.method === "GET"
      ? `<a href="${escapeHtml(cleaned)}">Moved Permanently</a>.\n\n`
      : null;
    return new Response(body, {
      status: 301,
      headers: {
        "Location": cleaned + uri.slice(path.length),
        ...(body === null ? {} : { "Content-Type": "text/html; charset=utf-8" }),
      },
    });
  }
  if (uri.length < maxUriLength) return undefined;
  return text(400, `Invalid Request URI ${uri}`);
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
