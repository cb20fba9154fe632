/** Instances that come and go under load: all replaced at once, and one that refuses connections. */
import { assert, assertEquals } from "@test/assert";
import { endpointBase, endpointSlot, endpointStates } from "../../lib/plane/counters.ts";
import { type Instance, Instances } from "../support/instance.ts";
import { between, latency, OpenLoop, statuses, volley } from "../support/load.ts";
import {
  type EndpointSpec,
  onBothNets,
  onBothNetsAtOnce,
  type Plane,
  startPlane,
} from "../support/plane.ts";
import { say } from "../support/process_story.ts";
import { productPolicy } from "../support/product_policy.ts";

const perSecond = 100;

/** Endpoints whose counters are those of the places from `first` on. */
function placed(instances: Instances, first: number): readonly EndpointSpec[] {
  return instances.ports.map((port, index) => ({ port, slot: first + index }));
}

/** What the thread counts of the endpoints of the test's places from `first` on. */
function counted(plane: Plane, name: keyof typeof endpointSlot, [first, count]: Places): number {
  let sum = 0;
  for (let place = first; place < first + count; place++) {
    sum += plane.supervisor.counter(endpointBase(place) + endpointSlot[name]);
  }
  return sum;
}

/** The first of a row of places, and how many. */
type Places = readonly [number, number];
const oldPlaces: Places = [0, 3];
const freshPlaces: Places = [3, 3];

onBothNetsAtOnce(
  "scenario 8, all instances replaced at once: no error while the old ones drain",
  async (net) => {
    await using old = await Instances.start("old 1", "old 2", "old 3");
    await using fresh = await Instances.start("new 1", "new 2", "new 3");
    for (const each of [...old.all, ...fresh.all]) each.delayMs = 5;
    const policy = await productPolicy();
    await using plane = await startPlane({
      net,
      policy,
      services: { Svc: placed(old, oldPlaces[0]) },
    });
    await using load = new OpenLoop(plane.port(), { perSecond, request: { host: "Svc" } });
    await load.at(500);
    const swapMs = load.elapsedMs;
    const swapped = performance.now();
    await plane.publish("Svc", placed(fresh, freshPlaces[0]));
    const known = performance.now();
    // The thread's own count: when this process sees a request is another matter.
    const attempts = counted(plane, "attempts", oldPlaces);
    await plane.until(() => counted(plane, "open", oldPlaces) === 0, "the old ones' last answers");
    await load.at(1000);
    for (const each of old.all) await each.stop();
    await load.at(1500);
    const shots = await load.stop();
    assertEquals(statuses(shots), { 200: shots.length });
    assertEquals(
      [counted(plane, "attempts", oldPlaces), old.total],
      [attempts, attempts],
      "requests went to instances that are gone",
    );
    const [before, after] = [between(shots, 0, swapMs), between(shots, swapMs)];
    const newest = fresh.all.flatMap(({ arrivals }) => arrivals).map(({ atMs }) => atMs);
    say(
      `8, ${net}: ${shots.length} requests, errors 0; known after ${
        Math.round(known - swapped)
      } ms, first at a new one ` +
        `after ${Math.round(Math.min(...newest) - swapped)} ms; p99 before ${
          latency(before, 0.99)
        } ms, after ` +
        `${latency(after, 0.99)} ms; shares of the new ${fresh.counts}`,
    );
    assertEquals(fresh.total, shots.length - attempts);
    // Newcomers are drawn: this is five standard deviations below a third.
    assert(Math.min(...fresh.counts) > 0.1 * fresh.total, `${fresh.counts}`);
    assertEquals(plane.failures, []);
    await plane.quiet();
  },
);

/** Requests that an instance has and does not answer, by method. */
function held(instances: Instances, method: string): number {
  return instances.all.flatMap(({ arrivals, open }) => open === 0 ? [] : arrivals.slice(-open))
    .filter(({ head }) => head.startsWith(method)).length;
}

onBothNetsAtOnce(
  "scenario 8, old instances that do not drain: GETs are tried again, POSTs sent once",
  async (net) => {
    await using old = await Instances.start("old 1", "old 2", "old 3");
    await using fresh = await Instances.start("new 1", "new 2", "new 3");
    const policy = await productPolicy();
    await using plane = await startPlane({
      net,
      policy: {
        ...policy,
        // However many are under way when the machine stalls, the budget is not what decides here.
        calls: { ...policy.calls, retry: { ...policy.calls?.retry, budgetPerSecond: 1000 } },
      },
      services: { Svc: placed(old, oldPlaces[0]) },
    });
    await using load = new OpenLoop(plane.port(), {
      perSecond,
      request: (index) => ({
        host: "Svc",
        method: index % 2 === 0 ? "GET" : "POST",
        fields: [`X-Id: ${index}`],
        ...(index % 2 === 0 ? {} : { body: "order" }),
      }),
    });
    await load.at(300);
    // From here on the old ones keep what they get, until they go with it.
    for (const each of old.all) each.held = new Promise(() => {});
    await plane.until(() => held(old, "GET") >= 2 && held(old, "POST") >= 2, "requests under way");
    await plane.publish("Svc", placed(fresh, freshPlaces[0]));
    const underWay = counted(plane, "open", oldPlaces);
    const gets = held(old, "GET"), posts = held(old, "POST");
    await allStopped(old);
    await load.at(load.elapsedMs + 500);
    const shots = await load.stop();
    const failed = shots.filter(({ status }) => status !== 200);
    const arrivals = [...old.all, ...fresh.all].flatMap((each) => each.arrivals);
    const sent = arrivals.filter(({ head }) => head.startsWith("POST"))
      .map(({ head }) => /X-Id: (\d+)/i.exec(head)?.[1]);
    assertEquals(new Set(sent).size, sent.length, "a POST was sent twice");
    const postsFailed = failed.filter(({ body }) => JSON.parse(body).code === "reset").length;
    say(
      `8, no drain, ${net}: ${shots.length} requests, ${underWay} under way at those that went; POSTs cut ` +
        `${postsFailed} (502, each sent once), retries ${plane.count("Svc", "retry")}`,
    );
    assertEquals(failed.length, postsFailed);
    assertEquals(plane.countFailures("Svc", "reset"), postsFailed);
    // Those that this process had seen, and at most the others that were on their way to it.
    assert(
      postsFailed >= posts && postsFailed <= underWay - gets,
      `${postsFailed} POSTs failed; ${posts} POSTs and ${gets} GETs of ${underWay} were seen`,
    );
    assert(plane.count("Svc", "retry") >= gets, "GETs were not tried again");
    await plane.quiet();
  },
);

function allStopped(instances: Instances): Promise<unknown> {
  return Promise.all(instances.all.map((each) => each.stop()));
}

/** Ends it while nothing is under way at it, and after its connections: what was processed is another story. */
async function leave(instance: Instance): Promise<void> {
  for (const each of instance.connections) {
    each.endWrite();
    await each.closed();
  }
  await instance.stop();
}

onBothNets(
  "scenario 10, a refused port: no error for any method, and it is hardly tried any more",
  async (net) => {
    await using instances = await Instances.start("one", "two", "three");
    const policy = await productPolicy();
    await using plane = await startPlane({
      net,
      // It is passed over until it is found well, however long this takes here.
      policy: { ...policy, ejectMs: 60_000 },
      services: { Svc: placed(instances, 0) },
    });
    const [one] = instances.all as [Instance];
    const place: Places = [0, 1];
    for (const method of ["GET", "POST"]) {
      const call = async (count: number) => {
        const shots = await volley(plane.port(), {
          count,
          request: { host: "Svc", method, ...(method === "GET" ? {} : { body: "order" }) },
        });
        assertEquals(statuses(shots), { 200: count }, `${method}s`);
        await plane.quiet();
      };
      const countThen = one.count;
      for (let calls = 0; calls < 20 && one.count < countThen + 5; calls++) await call(30);
      const share = one.count - countThen;
      assert(share >= 5, "it was not called before, or did not come back");
      const before = counted(plane, "attempts", place);
      await leave(one);
      const unreachable = endpointStates.indexOf("unreachable");
      let calls = 0;
      while (counted(plane, "state", place) !== unreachable) {
        assert(++calls < 50, "it was never found out");
        await call(4);
      }
      const tries = counted(plane, "attempts", place) - before;
      // Found out by one request; more only when several found it out at once.
      assert(tries >= 1 && tries <= 4, `${tries} tries at it`);
      await call(200);
      assertEquals(counted(plane, "attempts", place) - before, tries, "it was tried again");
      say(`10, ${net}: ${method}s, errors 0; tries at it ${tries}, then 0 of 200; ${share} before`);
      await plane.message(
        (each) => each.kind === "suspect" && each.port === one.port,
        "a suspicion",
      );
      await one.restart();
      const { port } = one;
      await plane.post({ kind: "verdict", service: "Svc", host: "127.0.0.1", port, healthy: true });
    }
  },
);
