/** The admin API: liveness, readiness, metrics, and what the sidecar knows. */
import { Hono } from "hono";

/** Whether calls can be served, and what stands in the way. */
export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly string[];
  /** Worth knowing, but no obstacle. */
  readonly notes: readonly string[];
}

/** Everything the API shows, read at the moment of the request. */
export interface AdminView {
  readonly token?: string | undefined;
  readiness(): Readiness;
  metrics(): string;
  services(): unknown;
  status(): unknown;
  configuration(): unknown;
}

export function createAdmin(view: AdminView): Hono {
  const app = new Hono();
  app.get("/healthz", (context) => context.text("ok\n"));
  app.get("/readyz", (context) => {
    const readiness = view.readiness();
    return context.json(readiness, readiness.ready ? 200 : 503);
  });
  app.use("*", async (context, next) => {
    if (view.token !== undefined) {
      const given = context.req.header("authorization") ?? "";
      if (!sameText(given, `Bearer ${view.token}`)) {
        return context.json(
          { error: "this address wants Authorization: Bearer <admin_token>" },
          401,
        );
      }
    }
    return await next();
  });
  app.get("/metrics", (context) => {
    context.header("content-type", "text/plain; version=0.0.4; charset=utf-8");
    return context.body(view.metrics());
  });
  app.get("/services", (context) => context.json(view.services() as object));
  app.get("/status", (context) => context.json(view.status() as object));
  app.get("/config", (context) => context.json(view.configuration() as object));
  app.notFound((context) =>
    context.json({
      error: `there is no ${context.req.path} here`,
      paths: ["/healthz", "/readyz", "/metrics", "/services", "/status", "/config"],
    }, 404)
  );
  app.onError((error, context) => context.json({ error: error.message }, 500));
  return app;
}

/** Compares without telling by its time where the texts differ. */
function sameText(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let index = 0; index < a.length; index++) {
    difference |= a.charCodeAt(index) ^ b.charCodeAt(index % Math.max(1, b.length));
  }
  return difference === 0;
}
