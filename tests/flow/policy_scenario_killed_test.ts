/** Scenario 9: an instance, a real process, is killed in the middle of requests. */
import { assertEquals, assertMatch } from "@test/assert";
import { ask, type Asked, type AskOptions, problemOf } from "../support/ask.ts";
import { onBothNetsAtOnce, type Plane, startPlane } from "../support/plane.ts";
import { type AppProcess, startApp } from "../support/policy_process.ts";
import { Lab, processesHere, until } from "../support/process.ts";
import { say } from "../support/process_story.ts";
import { productPolicy } from "../support/product_policy.ts";
import { head } from "../support/raw.ts";

interface Scene {
  readonly net: Plane["net"];
  readonly plane: Plane;
  readonly apps: readonly [AppProcess, AppProcess];
}

/** Runs a story with two instances that are processes. */
function killing(
  title: string,
  story: (scene: Scene) => Promise<void>,
): void {
  onBothNetsAtOnce(`scenario 9, ${title}`, async (net) => {
    if (!processesHere) return console.log("  skipped: processes need Linux");
    await using lab = await Lab.open();
    const apps = [await startApp(lab, "one"), await startApp(lab, "two")] as const;
    const policy = await productPolicy();
    await using plane = await startPlane({
      net,
      policy,
      services: { Svc: apps.map(({ port }) => port) },
    });
    await story({ net, plane, apps });
    await plane.quiet();
    assertEquals(plane.errors, []);
  });
}

/** Waits until each instance has so many requests. */
function untilArrived(apps: readonly AppProcess[], counts: readonly number[]): Promise<true> {
  return until(
    () => apps.every((app, index) => app.arrivals().length >= counts[index]!) ? true : undefined,
    () => `${counts} requests; ${apps.map((app) => app.arrivals().length)} came`,
  );
}

/** Answered when the test says so: whatever happens before, happens in the middle of the requests. */
const path = "/gated";
const ids = ["a", "b", "c", "d"];

/** Requests whose answers a test looks at later; when it fails before, what becomes of them is no news. */
function askAll(plane: Plane, options: AskOptions): Promise<readonly Asked[]> {
  const asking = Promise.all(
    ids.map((id) => ask(plane, "Svc", { path, fields: [`x-request-id: ${id}`], ...options })),
  );
  asking.catch(() => {});
  return asking;
}

killing("a GET before any byte of its answer goes to another instance", async (scene) => {
  const { apps, net, plane } = scene;
  const asking = askAll(plane, {});
  await untilArrived(apps, [2, 2]);
  apps[0].process.signal("SIGKILL");
  const killed = performance.now();
  await untilArrived(apps, [2, 4]);
  const again = performance.now();
  apps[1].openGate();
  const asked = await asking;
  assertEquals(asked.map(({ status, body }) => [status, body]), ids.map(() => [200, "two"]));
  const arrivals = apps.flatMap((app) => app.arrivals());
  const times = ids.map((id) => arrivals.filter((each) => each === `GET ${id}`).length);
  assertEquals(times.toSorted(), [1, 1, 2, 2]);
  assertEquals(plane.count("Svc", "retry"), 2);
  say(
    `9, ${net}: 4 GETs, 2 of them on the killed one: 4 x 200, arrivals by id ${times}, all at the other one ` +
      `${Math.round(again - killed)} ms after the kill`,
  );
});

killing("a POST is sent once and its caller is told", async ({ apps, net, plane }) => {
  const asking = askAll(plane, { method: "POST", body: "order" });
  await untilArrived(apps, [2, 2]);
  apps[0].process.signal("SIGKILL");
  await plane.until(() => plane.countFailures("Svc", "reset") === 2, "two failures");
  apps[1].openGate();
  const asked = await asking;
  const cut = asked.filter(({ status }) => status === 502);
  assertEquals(asked.map(({ status }) => status).toSorted(), [200, 200, 502, 502]);
  assertEquals(cut.map((each) => problemOf(each).code), ["reset", "reset"]);
  for (const each of cut) {
    assertMatch(each.head, /^Proxy-Status: mesher; error=connection_terminated; /m);
  }
  const arrivals = apps.flatMap((app) => app.arrivals());
  assertEquals(arrivals.toSorted(), ids.map((id) => `POST ${id}`));
  say(`9, ${net}: 4 POSTs, 2 of them on the killed one: 2 x 200, 2 x 502 reset, each arrived once`);
});

killing("in the middle of a body the caller sees a cut", async ({ apps, net, plane }) => {
  const clients = await Promise.all(ids.map(() => plane.client()));
  for (const client of clients) {
    client.send(head("GET /half?ms=60000 HTTP/1.1", "Host: Svc"));
  }
  for (const client of clients) await client.until("h".repeat(1000));
  apps[0].process.signal("SIGKILL");
  assertEquals((await plane.failure("reset")).service, "Svc");
  await plane.until(() => plane.countFailures("Svc", "reset") === 2, "two cut answers");
  const cut = () => clients.filter(({ end }) => end !== undefined);
  await plane.until(() => cut().length >= 2, "the ends of two connections");
  assertEquals(cut().length, 2);
  for (const client of cut()) assertEquals(client.pending, "", "more than the half came");
  assertEquals(apps.flatMap((app) => app.arrivals()).length, 4);
  assertEquals(plane.count("Svc", "retry"), 0);
  for (const client of clients) client.close();
  say(`9, ${net}: 4 answers half way, 2 of the killed one: 2 connections cut, none tried again`);
});
