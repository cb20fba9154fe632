/** Instances that come and go under load: all replaced at once, and one that refuses connections. */
import { assert, assertEquals } from "@test/assert";
import { endpointBase, endpointSlot } from "../../lib/plane/counters.ts";
import { Instances } from "../support/instance.ts";
import { between, latency, OpenLoop, share, statuses } from "../support/load.ts";
import { onBothNets, type Plane, startPlane } from "../support/plane.ts";
import { say } from "../support/process_story.ts";
import { productPolicy } from "../support/product_policy.ts";

const perSecond = 100;

onBothNets(
  "scenario 8, all instances replaced at once: no error while the old ones drain",
  async (net) => {
    await using old = await Instances.start("old 1", "old 2", "old 3");
    await using fresh = await Instances.start("new 1", "new 2", "new 3");
    for (const each of [...old.all, ...fresh.all]) each.delayMs = 5;
    const policy = await productPolicy();
    await using plane = await startPlane({ net, policy, services: { Svc: old.ports } });
    await using load = new OpenLoop(plane.port(), { perSecond, request: { host: "Svc" } });
    await load.at(1000);
    const swapMs = load.elapsedMs;
    const swapped = performance.now();
    await plane.publish("Svc", fresh.ports);
    const known = performance.now();
    await load.at(3000);
    for (const each of old.all) await each.stop();
    await load.at(3500);
    const shots = await load.stop();
    assertEquals(statuses(shots), { 200: shots.length });
    const late = old.all.flatMap(({ arrivals }) => arrivals).filter(({ atMs }) =>
      atMs > known + 50
    );
    assertEquals(late.length, 0, "requests went to instances that are gone");
    const [before, after] = [between(shots, 0, swapMs), between(shots, swapMs)];
    const newest = fresh.all.flatMap(({ arrivals }) => arrivals).map(({ atMs }) => atMs);
    say(
      `8: ${shots.length} requests, errors 0; known after ${
        Math.round(known - swapped)
      } ms, first at a new one ` +
        `after ${Math.round(Math.min(...newest) - swapped)} ms; p99 before ${
          latency(before, 0.99)
        } ms, after ` +
        `${latency(after, 0.99)} ms; shares of the new ${fresh.counts}`,
    );
    assert(Math.min(...fresh.counts) > 0.2 * fresh.total, `${fresh.counts}`);
    assertEquals(plane.failures, []);
    await plane.quiet({ idle: plane.gauge("upstreamsIdle") });
  },
);

onBothNets(
  "scenario 8, old instances that do not drain: GETs are tried again, POSTs sent once",
  async (net) => {
    await using old = await Instances.start("old 1", "old 2", "old 3");
    await using fresh = await Instances.start("new 1", "new 2", "new 3");
    for (const each of old.all) each.delayMs = 100;
    const policy = await productPolicy();
    await using plane = await startPlane({ net, policy, services: { Svc: old.ports } });
    await using load = new OpenLoop(plane.port(), {
      perSecond,
      request: (index) => ({
        host: "Svc",
        method: index % 2 === 0 ? "GET" : "POST",
        fields: [`X-Id: ${index}`],
        ...(index % 2 === 0 ? {} : { body: "order" }),
      }),
    });
    await load.at(1000);
    await plane.publish("Svc", fresh.ports);
    await Promise.all(old.all.map((each) => each.stop()));
    await load.at(2000);
    const shots = await load.stop();
    const failed = shots.filter(({ status }) => status !== 200);
    const arrivals = [...old.all, ...fresh.all].flatMap((each) => each.arrivals);
    const posts = arrivals.filter(({ head }) => head.startsWith("POST"))
      .map(({ head }) => /X-Id: (\d+)/i.exec(head)?.[1]);
    assertEquals(new Set(posts).size, posts.length, "a POST was sent twice");
    const postsFailed = failed.filter(({ body }) => JSON.parse(body).code === "reset").length;
    assertEquals(failed.length, postsFailed);
    assertEquals(plane.countFailures("Svc", "reset"), postsFailed);
    // Half of what was under way, which is a tenth of a second's worth, are POSTs.
    assert(postsFailed >= 1 && postsFailed <= 12, `${postsFailed} POSTs failed`);
    say(
      `8, no drain: ${shots.length} requests, GETs failed 0, POSTs cut ${postsFailed} (502, each sent once), retries ` +
        `${plane.count("Svc", "retry")}`,
    );
    assertEquals(plane.count("Svc", "retry") >= 1, true);
    await plane.quiet();
  },
);

/** Attempts at an endpoint by its place among the endpoints of the test. */
function attemptsAt(plane: Plane, place: number): number {
  return plane.supervisor.counter(endpointBase(place) + endpointSlot.attempts);
}

onBothNets(
  "scenario 10, a refused port: no error for any method, and it is hardly tried any more",
  async (net) => {
    await using instances = await Instances.start("one", "two", "three");
    const policy = await productPolicy();
    await using plane = await startPlane({
      net,
      policy,
      services: { Svc: instances.ports.map((port, slot) => ({ port, slot })) },
    });
    await using load = new OpenLoop(plane.port(), {
      perSecond,
      request: (index) => ({
        host: "Svc",
        method: index % 2 === 0 ? "GET" : "POST",
        ...(index % 2 === 0 ? {} : { body: "order" }),
      }),
    });
    const [one] = instances.all;
    await load.at(1000);
    const before = attemptsAt(plane, 0) / plane.count("Svc", "attempts");
    await one!.stop();
    const stoppedMs = load.elapsedMs;
    const triesThen = attemptsAt(plane, 0);
    await load.at(3500);
    const triesAtIt = attemptsAt(plane, 0) - triesThen;
    const during = between(load.shots, stoppedMs);
    await one!.restart();
    await plane.post({
      kind: "verdict",
      service: "Svc",
      host: "127.0.0.1",
      port: one!.port,
      healthy: true,
    });
    const backMs = load.elapsedMs;
    const countThen = one!.count;
    await load.at(4200);
    const shots = await load.stop();
    // What was under way on a connection at that very moment may have been processed.
    const cut = shots.filter(({ atMs, status }) =>
      status === 502 && Math.abs(atMs - stoppedMs) < 50
    );
    assertEquals(share(shots, ({ status }) => status !== 200) * shots.length, cut.length);
    assert(cut.length <= 3, `${cut.length}`);
    const after = between(shots, backMs);
    say(
      `10: errors after the stop ${
        during.filter(({ status }) => status !== 200).length - cut.length
      }; share of tries ` +
        `at it ${(before * 100).toFixed(0)} % before, ${
          (triesAtIt / during.length * 100).toFixed(1)
        } % after ` +
        `(${triesAtIt} of ${during.length}); back: ${
          one!.count - countThen
        } of ${after.length} within 700 ms`,
    );
    assert(before > 0.3, `${before}`);
    // Found out by one request; more only when several found it out at once.
    assert(triesAtIt >= 1 && triesAtIt <= 3, `${triesAtIt} tries at it`);
    assert(one!.count - countThen > after.length * 0.2, "it did not come back");
    await plane.message(
      (each) => each.kind === "suspect" && each.port === one!.port,
      "a suspicion",
    );
    await plane.quiet();
  },
);
