/** The admin API of a real sidecar: every answer is as the document describes it. */
import { assert, assertEquals } from "@test/assert";
import * as z from "zod";
import * as events from "../../lib/control/api/shapes/events.ts";
import { liveEvents } from "../../lib/control/api/shapes/live.ts";
import { readiness } from "../../lib/control/api/shapes/readiness.ts";
import * as services from "../../lib/control/api/shapes/services.ts";
import * as state from "../../lib/control/api/shapes/state.ts";
import type { Lab } from "../support/process.ts";
import { callOnce, serveApp } from "../support/process_http.ts";
import {
  adminGet,
  type SidecarProcess,
  startRegistry,
  startSidecar,
  untilRegistered,
} from "../support/process_mesher.ts";
import { processStory } from "../support/process_story.ts";

/** A sidecar that calls itself by its name: both directions have something to show. */
async function startBusy(lab: Lab): Promise<SidecarProcess> {
  const registry = await startRegistry(lab);
  const sidecar = await startSidecar(lab, {
    env: {
      REGISTRY: registry.url,
      SERVICE: "AccountService",
      PORTS: `rest:${serveApp(lab, () => new Response("ok"))}`,
    },
  });
  await untilRegistered(sidecar);
  assertEquals((await callOnce(sidecar.outbound, "http://AccountService/")).status, 200);
  assertEquals((await callOnce(sidecar.outbound, "http://NobodyService/")).status, 503);
  return sidecar;
}

const answers: Readonly<Record<string, z.ZodType>> = {
  "/readyz": readiness,
  "/status": state.status,
  "/connections": state.connections,
  "/leases": z.array(state.lease),
  "/config": state.configuration,
  "/config/sources": state.configurationSources,
  "/snapshots": state.snapshots,
  "/services": z.array(services.service),
  "/services/AccountService": services.serviceDetail,
  "/endpoints": z.array(services.listedEndpoint),
  "/routes": z.array(services.serviceRules),
  "/failures": events.failures,
  "/history": events.history,
  "/history?service=AccountService": events.history,
  "/log-level": state.logLevel,
};

async function send(
  { admin }: SidecarProcess,
  path: string,
  { method = "POST", body = {} }: { method?: string; body?: unknown } = {},
): Promise<{ status: number; value: Record<string, unknown> }> {
  const response = await fetch(`http://127.0.0.1:${admin}${path}`, {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, value: await response.json() };
}

processStory("admin API, every answer of a real sidecar is as described", async (lab) => {
  const sidecar = await startBusy(lab);
  for (const [path, schema] of Object.entries(answers)) {
    const { status, text } = await adminGet(sidecar, path);
    assertEquals(status, 200, `${path}: ${text}`);
    const result = schema.safeParse(JSON.parse(text));
    assert(result.success, `${path}: ${result.error} in ${text}`);
  }
  const [lease] = JSON.parse((await adminGet(sidecar, "/leases")).text);
  assertEquals([lease.service, lease.state], ["AccountService", "registered"]);
  assert(lease.instanceId.length > 0 && lease.heartbeatAgeMs >= 0);
  const { sources } = JSON.parse((await adminGet(sidecar, "/config/sources")).text);
  assertEquals([sources.service, sources.log], ["MESHER_SERVICE", "default"]);
  const { policy } = JSON.parse((await adminGet(sidecar, "/snapshots")).text);
  assert(policy.acknowledged.every((one: number) => one === policy.revision));
  const [endpoint] = JSON.parse((await adminGet(sidecar, "/endpoints")).text);
  assertEquals([endpoint.port, endpoint.attempts], [sidecar.inbound, 1]);
  assert(["healthy", "warming"].includes(endpoint.state), endpoint.state);
});

processStory("admin API, the event stream of a real sidecar is as described", async (lab) => {
  const sidecar = await startBusy(lab);
  const response = await fetch(`http://127.0.0.1:${sidecar.admin}/events`);
  const seen = new Set<string>();
  let rest = "";
  for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split("\n\n");
    rest = blocks.pop()!;
    for (const block of blocks) {
      const [, name = "", data = ""] = /^event: (\w+)\ndata: (.*)$/s.exec(block) ?? [];
      const schema = liveEvents[name as keyof typeof liveEvents];
      assert(schema !== undefined, block);
      const result = schema.safeParse(JSON.parse(data));
      assert(result.success, `${name}: ${result.error} in ${data}`);
      seen.add(name);
    }
    if (seen.size === Object.keys(liveEvents).length) break;
  }
  assertEquals([...seen].sort(), Object.keys(liveEvents).sort());
});

processStory(
  "admin API, explains a call, taps calls, changes the log level, drains",
  async (lab) => {
    const sidecar = await startBusy(lab);
    const explained = await send(sidecar, "/explain", {
      body: { url: "http://accountservice/balance" },
    });
    assertEquals(explained.status, 200);
    events.explanation.parse(explained.value);
    assertEquals(explained.value["service"], "AccountService");
    assertEquals(explained.value["pick"], `127.0.0.1:${sidecar.inbound}`);
    const missing = await send(sidecar, "/explain", { body: { url: "http://NobodyService/" } });
    assertEquals((missing.value["failure"] as { code: string }).code, "service_unknown");

    const tap = await fetch(
      `http://127.0.0.1:${sidecar.admin}/tap?role=outbound&service=AccountService&path_prefix=/seen`,
    );
    const lines = tap.body!.pipeThrough(new TextDecoderStream()).getReader();
    // The wish travels to the threads; calls before it has arrived are not seen.
    let first: string | undefined;
    const reading = lines.read().then(({ value }) => first = value);
    while (first === undefined) {
      await callOnce(sidecar.outbound, "http://AccountService/unseen");
      await callOnce(sidecar.outbound, "http://AccountService/seen?secret=1");
      await Promise.race([reading, new Promise((resolve) => setTimeout(resolve, 20))]);
    }
    await lines.cancel();
    const record = events.requestRecord.parse(JSON.parse(first.split("\n")[0]!));
    assertEquals([record.path, record.status, record.service], ["/seen", 200, "AccountService"]);

    await send(sidecar, "/log-level", { method: "PUT", body: { level: "debug" } });
    assertEquals(JSON.parse((await adminGet(sidecar, "/log-level")).text), { level: "debug" });
    const reloaded = await send(sidecar, "/reload");
    assertEquals([reloaded.status, reloaded.value], [200, { changed: [] }]);
    const drained = await send(sidecar, "/drain");
    assertEquals([drained.status, drained.value], [202, { draining: true }]);
    const status = JSON.parse((await adminGet(sidecar, "/status")).text);
    assertEquals(status.draining, true);
  },
);
