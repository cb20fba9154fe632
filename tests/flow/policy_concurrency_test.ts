/** Limits on requests under way at a time, and the line of those that wait. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import type { ConcurrencyPolicy } from "../../lib/core/traffic.ts";
import { ask, problemOf } from "../support/ask.ts";
import { Instance, Instances } from "../support/instance.ts";
import { onBothNetsAtOnce, type Plane, startPlane } from "../support/plane.ts";
import { pause } from "../support/process.ts";
import { head } from "../support/raw.ts";
import { deadlineOf, longMs, soonMs, staleMs, timed } from "../support/time_bounds.ts";

const one: ConcurrencyPolicy = {
  limit: 1,
  adaptive: false,
  minLimit: 1,
  queue: 5,
  queueMs: longMs,
};

/** A request that a test looks at later; when the test fails before, its failure is no news. */
function begin(plane: Plane, options: Parameters<typeof ask>[2]): ReturnType<typeof ask> {
  const asked = ask(plane, "Svc", options);
  asked.catch(() => {});
  return asked;
}

interface Scene {
  readonly plane: Plane;
  readonly instance: Instance;
  /** Lets the instance answer all that it holds. */
  readonly release: () => void;
}

/** A service whose instance has one request and answers nothing until it is released. */
function busy(
  title: string,
  concurrency: Partial<ConcurrencyPolicy>,
  story: (scene: Scene) => Promise<void>,
): void {
  onBothNetsAtOnce(`concurrency, ${title}`, async (net) => {
    await using instance = await Instance.start("one");
    let release = () => {};
    instance.held = new Promise((resolve) => {
      release = () => {
        instance.held = undefined;
        resolve();
      };
    });
    await using plane = await startPlane({
      net,
      services: { Svc: [instance.port] },
      policy: {
        calls: { responseMs: longMs },
        services: { Svc: { concurrency: { ...one, ...concurrency } } },
      },
    });
    const first = begin(plane, { path: "/first" });
    await plane.until(() => instance.count === 1, "the first request");
    await story({ plane, instance, release });
    release();
    assertEquals((await first).status, 200);
    // Every place is free again.
    assertEquals((await ask(plane, "Svc")).status, 200);
    await plane.quiet();
    await plane.until(() => plane.count("Svc", "queued") === 0, "an empty line");
    assertEquals(instance.peak, 1);
  });
}

/** Sends requests one after the other, each when the one before stands in the line. */
async function lineUp(plane: Plane, paths: readonly string[]) {
  const asked = [];
  for (const [index, path] of paths.entries()) {
    asked.push(begin(plane, { path, method: "PUT", body: `body of ${path}` }));
    await plane.until(() => plane.open === index + 2, `${path} in the line`);
  }
  return asked;
}

busy("beyond the limit without a line: 503 at once", { queue: 0 }, async ({ instance, plane }) => {
  const [asked, ms] = await timed(ask(plane, "Svc", { method: "POST", body: "x" }));
  assert(ms < soonMs, `${ms}`);
  assertEquals([asked.status, problemOf(asked).code], [503, "concurrency_limit"]);
  assertMatch(asked.head, /^Retry-After: 1\r$/m);
  assertMatch(asked.head, /^Proxy-Status: mesher; error=connection_limit_reached; /m);
  assertEquals(instance.count, 1);
});

busy("those in the line go in their order, with their bodies", {}, async (scene) => {
  const { instance, plane, release } = scene;
  const paths = ["/a", "/b", "/c", "/d"];
  const asked = await lineUp(plane, paths);
  await plane.until(() => plane.count("Svc", "queued") === 4, "the gauge of the line");
  assertEquals(instance.count, 1);
  release();
  assertEquals((await Promise.all(asked)).map(({ status }) => status), [200, 200, 200, 200]);
  const came = instance.arrivals.slice(1, 5);
  assertEquals(came.map((each) => each.head.split(" ")[1]), paths);
  assertEquals(came.map(({ body }) => body), paths.map((path) => `body of ${path}`));
});

busy("a full line refuses at once, those in it stay", { queue: 2 }, async (scene) => {
  const { plane, release } = scene;
  const asked = await lineUp(plane, ["/a", "/b"]);
  const refused = await ask(plane, "Svc");
  assertEquals([refused.status, problemOf(refused).code], [503, "concurrency_limit"]);
  assertMatch(problemOf(refused).detail, /1 calls to Svc are under way and 2 wait/);
  release();
  assertEquals((await Promise.all(asked)).map(({ status }) => status), [200, 200]);
});

/** Of waiting: 300 ms, and both the line's and the service's own time are far longer. */
const waits: readonly {
  readonly title: string;
  readonly queueMs: number;
  readonly fields: readonly string[];
  readonly statuses: readonly number[];
}[] = [
  { title: "whoever waited as long as it may is told", queueMs: 300, fields: [], statuses: [503] },
  {
    title: "nobody waits longer than its caller does",
    queueMs: longMs,
    fields: ["x-mesher-deadline: 300"],
    statuses: [503, 504],
  },
];

for (const { fields, queueMs, statuses, title } of waits) {
  busy(title, { queueMs }, async ({ instance, plane }) => {
    const [asked, ms] = await timed(ask(plane, "Svc", { fields }));
    assert(statuses.includes(asked.status), `${asked.status}`);
    if (asked.status === 503) {
      assertEquals(problemOf(asked).code, "concurrency_limit");
      assertMatch(asked.head, /^Retry-After: 1\r$/m);
    }
    assert(ms >= 300 - staleMs && ms < soonMs, `${ms}`);
    assertEquals(instance.count, 1);
  });
}

busy("after the line an instance is told the time that is left", {}, async (scene) => {
  const { instance, plane, release } = scene;
  const sentMs = performance.now();
  const [asked] = await lineUp(plane, ["/a"]);
  const inLineMs = performance.now();
  await pause(200);
  const releasedMs = performance.now();
  release();
  assertEquals((await asked)!.status, 200);
  const { atMs, head: arrived } = instance.arrivals[1]!;
  const told = deadlineOf(arrived);
  // Between what has surely passed since it was sent and what may have, on any machine.
  const least = longMs - (atMs - sentMs) - 2, most = longMs - (releasedMs - inLineMs) + staleMs;
  assert(told >= least && told <= most, `${told}, from ${least} to ${most}`);
});

busy("a caller that leaves the line leaves its place", { queue: 1 }, async (scene) => {
  const { instance, plane, release } = scene;
  const leaving = await plane.client();
  leaving.send(head("GET /leaving HTTP/1.1", "Host: Svc"));
  await plane.until(() => plane.open === 2, "one in the line");
  assertEquals((await ask(plane, "Svc")).status, 503);
  leaving.close();
  await plane.until(() => plane.countFailures("Svc", "client_gone") === 1, "its leave");
  const staying = begin(plane, { path: "/staying" });
  await plane.until(() => plane.open === 2, "another in the line");
  release();
  assertEquals((await staying).status, 200);
  assertEquals(instance.arrivals.map((each) => each.head.split(" ")[1]), ["/first", "/staying"]);
});

busy("a request that fails before its turn takes no place", {}, async ({ plane, release }) => {
  const circling = await ask(plane, "Svc", { fields: ["x-mesher-hops: 100"] });
  assertEquals([circling.status, problemOf(circling).code], [508, "loop_detected"]);
  const client = await plane.client();
  client.send(
    head("PUT / HTTP/1.1", "Host: Svc", "Transfer-Encoding: chunked") + "rubbish\r\n",
  );
  assertMatch((await client.message()).head, /^HTTP\/1\.1 400 /);
  client.close();
  release();
  for (let index = 0; index < 3; index++) assertEquals((await ask(plane, "Svc")).status, 200);
});

busy("a limit that is raised lets those in the line in", {}, async ({ instance, plane }) => {
  const asked = await lineUp(plane, ["/a", "/b"]);
  instance.held = undefined;
  await plane.setPolicy({ services: { Svc: { concurrency: { ...one, limit: 3 } } } });
  assertEquals((await Promise.all(asked)).map(({ status }) => status), [200, 200]);
  instance.peak = 1;
  await plane.setPolicy({ services: { Svc: { concurrency: one } } });
});

onBothNetsAtOnce(
  "concurrency, at a provider: any method goes to another one that has room",
  async (net) => {
    await using apps = await Instances.start("busy", "free");
    const [full, free] = apps.all;
    let release = () => {};
    full!.held = new Promise((resolve) => release = resolve);
    const provider = (app: Instance) =>
      startPlane({
        net,
        roles: ["inbound"],
        policy: {
          localPorts: [{ protocol: "rest", port: app.port }],
          calls: { responseMs: longMs },
          provider: { concurrency: { ...one, queue: 0 } },
        },
      });
    await using limited = await provider(full!);
    await using roomy = await provider(free!);
    await using consumer = await startPlane({
      net,
      services: {
        Svc: [limited, roomy].map((each) => ({ port: each.port("inbound"), mesher: true })),
      },
    });
    const first = begin(limited, { role: "inbound" });
    await limited.until(() => full!.count === 1, "the first request");
    for (const method of ["GET", "POST", "POST"]) {
      const asked = await ask(consumer, "Svc", { method, body: "order" });
      assertEquals([asked.status, asked.body], [200, "free"]);
    }
    assertEquals(full!.count, 1);
    release();
    full!.held = undefined;
    assertEquals((await first).status, 200);
    await consumer.quiet();
  },
);
