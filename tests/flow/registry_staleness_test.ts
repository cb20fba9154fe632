/** How old the knowledge of a service is, as somebody sees it from outside while the registry is away. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { pickPort } from "../support/ports.ts";
import { until } from "../support/process.ts";
import { callOnce, serveApp } from "../support/process_http.ts";
import { adminGet, metric, startRegistry, startSidecar } from "../support/process_mesher.ts";
import { processStory } from "../support/process_story.ts";
import { ServiceCenterCaller } from "../support/service_center_calls.ts";

processStory(
  "registry away, the age of what is known shows in metrics, in the admin API and in the readiness",
  async (lab) => {
    const registry = await startRegistry(lab, { port: pickPort() });
    const caller = new ServiceCenterCaller(registry.url);
    const app = serveApp(lab, () => new Response("served"));
    const serviceId = await caller.service("AccountService");
    await caller.instance(serviceId, [`rest://127.0.0.1:${app}`]);
    const store = await startSidecar(lab, {
      name: "store",
      env: { REGISTRY: registry.url, DISCOVERY_POLL: "200ms" },
    });
    const called = async () => (await callOnce(store.outbound, "http://AccountService/")).body;
    assertEquals(await called(), "served");
    const age = () =>
      metric(store, 'mesher_discovery_age_seconds{service="AccountService",source="registry"}');
    const services = async () =>
      JSON.parse((await adminGet(store, "/services")).text) as {
        readonly service: string;
        readonly ageMs: number;
      }[];
    const readiness = async () => JSON.parse((await adminGet(store, "/readyz")).text);

    // While the registry answers, the age stays below a few polls, however long one looks.
    assertEquals(await metric(store, "mesher_registry_up"), 1);
    assert((await age())! < 2);
    assertEquals((await readiness()).notes, []);

    registry.process.signal("SIGKILL");
    await registry.process.exited();
    await until(async () => (await age())! > 2.5 ? true : undefined, "an age of more than 2.5 s");
    const { ageMs } = (await services()).find((one) => one.service === "AccountService")!;
    assert(ageMs > 2_500, `the admin API says ${ageMs} ms`);
    assertEquals(await metric(store, "mesher_registry_up"), 0);
    assert((await metric(store, "mesher_registry_answer_age_seconds"))! > 2);
    const { ready, notes } = await readiness();
    assertEquals(ready, true, "what is known is served on");
    assertMatch(notes.join(), /the registry cannot be reached/);
    assertEquals(await called(), "served");
  },
);
