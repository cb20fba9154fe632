/** Services of which every instance fails: no storm of retries, quick answers, and a calm return. */
import { assert, assertEquals } from "@test/assert";
import { type Instance, Instances } from "../support/instance.ts";
import { between, latency, OpenLoop, share, statuses } from "../support/load.ts";
import { onBothNets, onOneNet, type Plane, startPlane } from "../support/plane.ts";
import { say } from "../support/process_story.ts";
import { productPolicy } from "../support/product_policy.ts";

for (const perSecond of [50, 200]) {
  (perSecond === 50 ? onBothNets : onOneNet)(
    `scenario 24, all instances answer 503 at ${perSecond} requests a second: no storm`,
    async (net) => {
      await using instances = await Instances.start("one", "two", "three");
      const policy = await productPolicy();
      await using plane = await startPlane({ net, policy, services: { Svc: instances.ports } });
      await using load = new OpenLoop(plane.port(), { perSecond, request: { host: "Svc" } });
      await load.at(1000);
      for (const each of instances.all) each.status = "503 Service Unavailable";
      const failMs = load.elapsedMs;
      const failing = performance.now();
      await load.at(failMs + 4000);
      const shots = await load.stop();
      const arrivals = instances.all.flatMap((each) => each.arrivals).map(({ atMs }) =>
        atMs - failing
      );
      const triesIn = (fromMs: number, toMs: number) =>
        arrivals.filter((atMs) => atMs >= fromMs && atMs < toMs).length /
        between(shots, failMs + fromMs, failMs + toMs).length;
      const during = between(shots, failMs + 50);
      say(
        `24 at ${perSecond}/s: tries per request ${
          triesIn(0, 1000).toFixed(2)
        } in the first second, ` +
          `${triesIn(1000, 4000).toFixed(2)} after it; statuses ${
            JSON.stringify(statuses(during))
          }; p50 ` +
          `${latency(during, 0.5)} ms, p99 ${latency(during, 0.99)} ms; retries denied ${
            plane.count("Svc", "denial")
          }`,
      );
      assert(triesIn(1000, 4000) <= 1.2, `${triesIn(1000, 4000)} tries per request`);
      assertEquals(statuses(during), { 503: during.length });
      assert(latency(during, 0.99) < 300, `p99 ${latency(during, 0.99)} ms`);
      await plane.quiet();
    },
  );
}

const failures: readonly {
  readonly title: string;
  readonly fail: (instance: Instance) => Promise<void>;
  readonly heal: (plane: Plane, instance: Instance) => Promise<void>;
  readonly status: number;
}[] = [
  {
    title: "answer 503",
    fail: (instance) => {
      instance.status = "503 Service Unavailable";
      return Promise.resolve();
    },
    heal: (_, instance) => {
      instance.status = "200 OK";
      return Promise.resolve();
    },
    status: 503,
  },
  {
    title: "refuse connections",
    fail: (instance) => instance.stop(),
    heal: (_, instance) => instance.restart(),
    status: 502,
  },
];

for (const { title, fail, heal, status } of failures) {
  (status === 503 ? onBothNets : onOneNet)(
    `scenario 25, all instances ${title} for 10 s, one heals: back at once, no herd`,
    async (net) => {
      const perSecond = 100;
      await using instances = await Instances.start("one", "two", "three", "four");
      for (const each of instances.all) each.delayMs = 20;
      const policy = await productPolicy();
      await using plane = await startPlane({ net, policy, services: { Svc: instances.ports } });
      await using load = new OpenLoop(plane.port(), { perSecond, request: { host: "Svc" } });
      await load.at(500);
      await Promise.all(instances.all.map(fail));
      const failMs = load.elapsedMs;
      await load.at(failMs + 10_000);
      const [one] = instances.all;
      await heal(plane, one!);
      one!.peak = load.stallMs = 0;
      const healMs = load.elapsedMs;
      const goodThen = load.shots.filter((each) => each.status === 200).length;
      await plane.until(
        () => load.shots.filter((each) => each.status === 200).length > goodThen,
        "the first 200",
      );
      const firstMs = load.elapsedMs - healMs;
      await load.at(healMs + 3000);
      const shots = await load.stop();
      const during = between(shots, failMs + 500, healMs - 200);
      const after = between(shots, healMs);
      const late = between(shots, healMs + 2000);
      const good = share(after, (each) => each.status === 200);
      say(
        `25, ${title}: while all failed ${JSON.stringify(statuses(during))}, p99 ${
          latency(during, 0.99)
        } ms; first ` +
          `200 ${Math.round(firstMs)} ms after one of four healed; most at a time at it ${
            one!.peak
          }; good ` +
          `${(good * 100).toFixed(0)} % in 3 s, ${
            (share(late, (each) => each.status === 200) * 100).toFixed(0)
          } % in the last; p99 ${latency(after, 0.99)} ms`,
      );
      assertEquals(statuses(during), { [status]: during.length });
      assert(latency(during, 0.99) < 500, "callers wait although nothing can come");
      assert(firstMs < 1000, `the first 200 came after ${firstMs} ms`);
      assert(good > 0.2, `${good} of the requests were answered well`);
      // All of the load at 20 ms each is 2 at a time; what this process held up comes at once.
      const most = 10 + load.stallMs / 1000 * perSecond;
      assert(one!.peak <= most, `${one!.peak} at a time at the one that healed`);
      await plane.quiet();
    },
  );
}
