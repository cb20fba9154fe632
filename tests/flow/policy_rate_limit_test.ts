/** Rate limits: on the caller's side and on the provider's, for all or for each, with the time to come back. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import type { RateLimit } from "../../lib/core/traffic.ts";
import { ask, type AskOptions, problemOf } from "../support/ask.ts";
import { Instance } from "../support/instance.ts";
import { OpenLoop, statuses } from "../support/load.ts";
import { onBothNets, onBothNetsAtOnce, type Plane, startPlane } from "../support/plane.ts";
import { say } from "../support/process_story.ts";

/** A bucket that is empty after so many, and does not fill while the test runs. */
function limit(burst: number, more: Partial<RateLimit> = {}): RateLimit {
  return { name: "few", perSecond: 0.02, burst, ...more };
}

/** How many of a number of requests are let through. */
async function letThrough(plane: Plane, count: number, options: AskOptions = {}): Promise<number> {
  let through = 0;
  for (let index = 0; index < count; index++) {
    const { status } = await ask(plane, "Svc", options);
    assert(status === 200 || status === 429, `${status}`);
    if (status === 200) through++;
  }
  return through;
}

/** Units: seconds. */
function retryAfter(head: string): number {
  return Number(/^Retry-After: (\d+)\r$/m.exec(head)?.[1]);
}

/** A provider's sidecar with its application. */
function providerOf(
  net: Plane["net"],
  app: Instance,
  provider: NonNullable<Parameters<Plane["setPolicy"]>[0]["provider"]>,
): Promise<Plane> {
  return startPlane({
    net,
    roles: ["inbound"],
    policy: {
      localPorts: [{ protocol: "rest", port: app.port }],
      healthPaths: ["/healthz"],
      provider,
    },
  });
}

onBothNets("rate limit, own side: 429 with the time to come back, nothing is sent", async (net) => {
  await using app = await Instance.start("app");
  await using plane = await startPlane({
    net,
    services: { Svc: [app.port], Other: [app.port] },
    policy: { services: { Svc: { rateLimits: [limit(3)] } } },
  });
  assertEquals(await letThrough(plane, 3), 3);
  const asked = await ask(plane, "Svc", { method: "POST", body: "order" });
  assertEquals([asked.status, problemOf(asked).code], [429, "rate_limited"]);
  const seconds = retryAfter(asked.head);
  assert(seconds > 30 && seconds <= 50, asked.head);
  assertMatch(
    asked.head,
    /^Proxy-Status: mesher; error=http_request_denied; details="rate_limited"\r$/m,
  );
  assertMatch(problemOf(asked).detail, /"few" of Svc/);
  assertEquals((await ask(plane, "Other")).status, 200);
  assertEquals(app.count, 4);
  assertEquals(plane.countFailures("Svc", "rate_limited"), 1);
  await plane.quiet();
});

onBothNetsAtOnce(
  "rate limit, lets the configured rate through under steady overload",
  async (net) => {
    const perSecond = 50, burst = 5;
    await using app = await Instance.start("app");
    await using plane = await startPlane({
      net,
      services: { Svc: [app.port] },
      policy: { services: { Svc: { rateLimits: [{ name: "rate", perSecond, burst }] } } },
    });
    await plane.publish("Svc", [app.port]);
    const beganMs = performance.now();
    await using load = new OpenLoop(plane.port(), { perSecond: 200, request: { host: "Svc" } });
    await load.at(1200);
    const shots = await load.stop();
    const tookMs = performance.now() - beganMs;
    const through = statuses(shots)[200]!;
    // While nobody asks the bucket fills no further than its rim; of pauses only a part counts.
    const answeredMs = shots.map(({ atMs, latencyMs }) => atMs + latencyMs).sort((a, b) => a - b);
    const busyMs = answeredMs.reduce(
      (sum, each, index) =>
        sum + Math.min(burst * 1000 / perSecond / 2, each - (answeredMs[index - 1] ?? 0)),
      0,
    );
    const most = burst + tookMs / 1000 * perSecond + 1, least = busyMs / 1000 * perSecond - 3;
    say(
      `${net}, rate limit of ${perSecond}/s at 200/s offered: ${through} let through in ${
        Math.round(tookMs)
      } ms (${least.toFixed(1)} to ${most.toFixed(1)})`,
    );
    assert(through >= least && through <= most, `${through}, not ${least} to ${most}`);
    assertEquals(Object.keys(statuses(shots)), ["200", "429"]);
    await plane.quiet();
  },
);

const keyed: readonly {
  readonly title: string;
  readonly limits: readonly RateLimit[];
  /** Requests and how many of four of them are let through, one after the other. */
  readonly cases: readonly { readonly options: AskOptions; readonly through: number }[];
}[] = [
  {
    title: "each caller",
    limits: [limit(2, { per: { kind: "caller" } })],
    cases: [
      { options: { fields: ['x-cse-context: {"x-cse-src-microservice":"web"}'] }, through: 2 },
      { options: { fields: ['x-cse-context: {"x-cse-src-microservice":"jobs"}'] }, through: 2 },
      { options: {}, through: 2 },
      { options: { fields: ['x-cse-context: {"x-cse-src-microservice":"web"}'] }, through: 0 },
    ],
  },
  {
    title: "each value of a header",
    limits: [limit(3, { per: { kind: "header", name: "X-User" } })],
    cases: [
      { options: { fields: ["x-user: a"] }, through: 3 },
      { options: { fields: ["x-user: b"] }, through: 3 },
      // Leaving it out is no way past the limit.
      { options: {}, through: 3 },
      { options: {}, through: 0 },
    ],
  },
  {
    title: "one path and method",
    limits: [limit(1, { match: { path: { prefix: "/search" }, methods: ["GET"] } })],
    cases: [
      { options: { path: "/search?q=1" }, through: 1 },
      { options: { path: "/search", method: "POST" }, through: 4 },
      { options: { path: "/other" }, through: 4 },
    ],
  },
  {
    title: "several at once, the strictest decides",
    limits: [limit(3), limit(1, { name: "one", match: { path: { exact: "/one" } } })],
    cases: [
      { options: { path: "/one" }, through: 1 },
      { options: {}, through: 0 },
    ],
  },
];

for (const { cases, limits, title } of keyed) {
  onBothNets(`rate limit, provider's side, for ${title}`, async (net) => {
    await using app = await Instance.start("app");
    await using plane = await providerOf(net, app, { rateLimits: limits });
    for (const { options, through } of cases) {
      const got = await letThrough(plane, 4, { role: "inbound", ...options });
      assertEquals(got, through, JSON.stringify(options));
    }
    await plane.quiet();
  });
}

onBothNets("rate limit, the application's health checks are never limited", async (net) => {
  await using app = await Instance.start("app");
  await using plane = await providerOf(net, app, {
    rateLimits: [limit(1)],
    concurrency: { limit: 1, adaptive: false, minLimit: 1, queue: 0, queueMs: 100 },
  });
  assertEquals(await letThrough(plane, 4, { role: "inbound" }), 1);
  assertEquals(await letThrough(plane, 4, { role: "inbound", path: "/healthz" }), 4);
  assertEquals(await letThrough(plane, 1, { role: "inbound", path: "/healthz/deep" }), 0);
  await plane.quiet();
});

onBothNets("rate limit, of the provider is told to the caller as it is", async (net) => {
  await using app = await Instance.start("app");
  await using provider = await providerOf(net, app, {
    rateLimits: [limit(1, { per: { kind: "caller" } })],
  });
  await using consumer = await startPlane({
    net,
    services: { Svc: [{ port: provider.port("inbound"), mesher: true }] },
    policy: { service: "web", retry: { statuses: [502, 503] } },
  });
  assertEquals((await ask(consumer, "Svc")).status, 200);
  const asked = await ask(consumer, "Svc");
  assertEquals([asked.status, problemOf(asked).code], [429, "rate_limited"]);
  const seconds = retryAfter(asked.head);
  assert(seconds > 30 && seconds <= 50, asked.head);
  assertEquals([consumer.count("Svc", "attempts"), consumer.count("Svc", "retry")], [2, 0]);
  await consumer.quiet();
});

onBothNets(
  "rate limit, of a route beside that of the service, and not taken from twice",
  async (net) => {
    await using app = await Instance.start("app");
    await using plane = await startPlane({
      net,
      services: { Svc: [app.port], Other: [app.port] },
      policy: {
        services: {
          Svc: {
            rateLimits: [limit(4)],
            routes: [{
              name: "elsewhere",
              match: { path: { prefix: "/elsewhere" } },
              targets: [{ service: "Other", weight: 1 }],
              rateLimits: [limit(2, { name: "route" })],
            }],
          },
        },
      },
    });
    // The first one has to ask who Other is, and is counted once all the same.
    assertEquals(await letThrough(plane, 4, { path: "/elsewhere" }), 2);
    assertEquals((await ask(plane, "Svc", { path: "/elsewhere" })).status, 429);
    await plane.setPolicy({ services: { Svc: { rateLimits: [] } } });
    assertEquals(await letThrough(plane, 3), 3);
    await plane.quiet();
  },
);
