/** The document of the admin API: complete, and valid by an independent reading of the standard. */
import { assert, assertEquals } from "@test/assert";
import { Hono } from "hono";
import { validate } from "../../../support/openapi_validator.ts";
import { createAdmin } from "../../../../lib/control/api/admin.ts";
import { documentPath } from "../../../../lib/control/api/openapi.ts";
import { createPolicies } from "../../../../lib/control/api/policies.ts";
import * as events from "../../../../lib/control/api/shapes/events.ts";
import { liveEvents } from "../../../../lib/control/api/shapes/live.ts";
import { adminView, liveSource } from "../../../support/admin_view.ts";
import { LiveFeed } from "../../../../lib/control/api/live.ts";

function policies(): Hono {
  return createPolicies({
    groups: ["retry"],
    all: () => ({}),
    service: () => ({}),
    provider: () => ({}),
    put: () => ({ ok: true, changed: [] }),
    remove: () => undefined,
  });
}

interface Operation {
  readonly responses: Record<string, { content?: Record<string, { schema: object }> }>;
}

async function documentOf(admin: Hono): Promise<Record<string, Record<string, Operation>>> {
  return JSON.parse(await (await admin.request("/openapi.json")).text()).paths;
}

Deno.test("openapi, every path that is served is described, and no other", async () => {
  const admin = createAdmin(adminView({ policies: policies() }));
  const paths = await documentOf(admin);
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`)
  );
  const served = new Set(
    admin.routes.filter((route) => route.method !== "ALL").map((route) =>
      `${route.method.toLowerCase()} ${documentPath(route.path)}`
    ),
  );
  assertEquals(described.sort(), [...served].sort());
  assert(described.length > 30);
});

Deno.test("openapi, the document holds against the standard", async () => {
  const admin = createAdmin(adminView({ policies: policies() }));
  const document = JSON.parse(await (await admin.request("/openapi.json")).text());
  assertEquals(document.openapi, "3.1.0");
  const result = await validate(document);
  assert(result.valid, JSON.stringify(result, null, 2));
});

Deno.test("openapi, without policies their paths are not described", async () => {
  const paths = await documentOf(createAdmin(adminView()));
  assertEquals(Object.keys(paths).filter((path) => path.startsWith("/policies")), []);
});

Deno.test("openapi, what comes out of the stream is as it is described", async () => {
  const feed = new LiveFeed({
    ...liveSource,
    columns: () => ({
      endMs: [5000],
      requests: [1],
      failed: [0],
      retries: [0],
      p50Ms: [1],
      p95Ms: [2],
      p99Ms: [3],
    }),
  });
  const ended = new AbortController();
  const told: string[] = [];
  for await (const { event, data } of feed.listen(ended.signal)!) {
    liveEvents[event].parse(JSON.parse(data));
    told.push(event);
    if (told.length === 5) break;
  }
  ended.abort();
  assertEquals(told, ["state", "services", "figures", "points", "failures"]);
});

Deno.test("openapi, records, failures and histories of the view fit their descriptions", () => {
  const view = adminView();
  events.failures.parse(view.failures({}));
  events.columns.parse(view.history({ scope: "all" }).columns);
});
