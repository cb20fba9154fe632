/** Services of which every instance fails: no storm of retries, quick answers, and a calm return. */
import { assert, assertEquals } from "@test/assert";
import { type Instance, Instances } from "../support/instance.ts";
import { between, latency, OpenLoop, share, type Shot, statuses } from "../support/load.ts";
import {
  allEnded,
  nativeHere,
  onBothNetsAtOnce,
  type Plane,
  startPlane,
} from "../support/plane.ts";
import { say } from "../support/process_story.ts";
import { productPolicy } from "../support/product_policy.ts";

interface Loads extends AsyncDisposable {
  readonly load: OpenLoop;
  /** On a service that is well: it shows what the machine itself holds up. */
  readonly beside: OpenLoop;
}

async function loaded(plane: Plane, well: Instance, perSecond: number): Promise<Loads> {
  await plane.publish("Well", [well.port]);
  const load = new OpenLoop(plane.port(), {
    perSecond,
    request: (index) => ({ host: "Svc", fields: [`X-Id: ${index}`] }),
  });
  const beside = new OpenLoop(plane.port(), { perSecond: 50, request: { host: "Well" } });
  return {
    load,
    beside,
    async [Symbol.asyncDispose]() {
      await Promise.all([load.stop(), beside.stop()]);
    },
  };
}

/** How often the requests that were due within a stretch came to any instance. */
function triesOf(instances: Instances, shots: readonly Shot[], perSecond: number): number {
  const due = new Set(shots.map(({ atMs }) => Math.round(atMs * perSecond / 1000)));
  const arrivals = instances.all.flatMap((each) => each.arrivals)
    .filter(({ head }) => due.has(Number(/X-Id: (\d+)/i.exec(head)?.[1])));
  return arrivals.length / shots.length;
}

onBothNetsAtOnce(
  "scenario 24, all instances answer 503 at 50 and at 200 requests a second: no storm",
  (net) => allEnded([50, 200].map((perSecond) => noStorm(net, perSecond))),
);

async function noStorm(net: Plane["net"], perSecond: number): Promise<void> {
  await using instances = await Instances.start("one", "two", "three");
  await using wells = await Instances.start("well");
  const policy = await productPolicy();
  await using plane = await startPlane({ net, policy, services: { Svc: instances.ports } });
  await using loads = await loaded(plane, wells.all[0]!, perSecond);
  const { beside, load } = loads;
  await load.at(500);
  for (const each of instances.all) each.status = "503 Service Unavailable";
  const failMs = load.elapsedMs;
  await load.at(failMs + 2500);
  const shots = await load.stop();
  const lagMs = beside.slowestMs(load.startMs + failMs);
  await beside.stop();
  // Whatever was due from then on found only failing ones.
  const during = between(shots, failMs);
  const early = triesOf(instances, between(shots, failMs, failMs + 1000), perSecond);
  const late = triesOf(instances, between(shots, failMs + 1000), perSecond);
  say(
    `24 at ${perSecond}/s, ${net}: tries per request ${early.toFixed(2)} in the first second, ${
      late.toFixed(2)
    } after it; statuses ${JSON.stringify(statuses(during))}; p50 ${latency(during, 0.5)} ms, p99 ${
      latency(during, 0.99)
    } ms, held up by the machine ${Math.round(lagMs)} ms; retries denied ${
      plane.count("Svc", "denial")
    }`,
  );
  assert(late <= 1.2, `${late} tries per request`);
  assertEquals(statuses(during), { 503: during.length });
  assert(latency(during, 0.99) < 300 + lagMs, `p99 ${latency(during, 0.99)} ms`);
  await plane.quiet();
}

interface Failing {
  readonly net: Plane["net"];
  readonly title: string;
  readonly fail: (instance: Instance) => Promise<void>;
  readonly heal: (instance: Instance) => Promise<void>;
  readonly status: number;
}

function answering(status: string): (instance: Instance) => Promise<void> {
  return (instance) => {
    instance.status = status;
    return Promise.resolve();
  };
}

const answer503: Omit<Failing, "net"> = {
  title: "answer 503",
  fail: answering("503 Service Unavailable"),
  heal: answering("200 OK"),
  status: 503,
};

const stories: readonly Failing[] = [
  ...(nativeHere ? [{ ...answer503, net: "native" } as const] : []),
  { ...answer503, net: "portable" },
  {
    net: nativeHere ? "native" : "portable",
    title: "refuse connections",
    fail: (instance) => instance.stop(),
    heal: (instance) => instance.restart(),
    status: 502,
  },
];

Deno.test(
  "scenario 25, all instances fail for 10 s, one heals: back at once, no herd [503 on native and portable, refusing]",
  () => allEnded(stories.map(comesBack)),
);

/** The times are the product's own, so all of them are waited for side by side. */
async function comesBack({ fail, heal, net, status, title }: Failing): Promise<void> {
  const perSecond = 100, workMs = 20;
  await using instances = await Instances.start("one", "two", "three", "four");
  await using wells = await Instances.start("well");
  for (const each of instances.all) each.delayMs = workMs;
  const policy = await productPolicy();
  await using plane = await startPlane({ net, policy, services: { Svc: instances.ports } });
  await using loads = await loaded(plane, wells.all[0]!, perSecond);
  const { beside, load } = loads;
  const lagMs = (sinceMs: number) => beside.slowestMs(load.startMs + sinceMs);
  await load.at(500);
  await Promise.all(instances.all.map(fail));
  const failMs = load.elapsedMs;
  await load.at(failMs + 10_000);
  const failedLagMs = lagMs(failMs);
  const [one] = instances.all;
  // All that was answered before nobody had healed; all that was due after failed only.
  const during = load.shots.filter(({ atMs }) => atMs >= failMs);
  const goodThen = load.shots.filter((each) => each.status === 200).length;
  const healMs = load.elapsedMs;
  one!.peak = 0;
  await heal(one!);
  await plane.until(
    () => load.shots.filter((each) => each.status === 200).length > goodThen,
    "the first 200",
  );
  const firstMs = load.elapsedMs - healMs;
  await load.at(healMs + 3000);
  const shots = await load.stop();
  const healedLagMs = lagMs(healMs);
  const usualMs = latency(await beside.stop(), 0.5);
  const after = between(shots, healMs);
  const good = share(after, (each) => each.status === 200);
  say(
    `25, ${title}, ${net}: while all failed ${JSON.stringify(statuses(during))}, p99 ${
      latency(during, 0.99)
    } ms, held up by the machine ${Math.round(failedLagMs)} ms; first 200 ${
      Math.round(firstMs)
    } ms after one of four healed; most at a time at it ${one!.peak}; good ${
      (good * 100).toFixed(0)
    } % in 3 s; p99 ${latency(after, 0.99)} ms, held up ${Math.round(healedLagMs)} ms`,
  );
  assertEquals(statuses(during), { [status]: during.length });
  assert(latency(during, 0.99) < 500 + failedLagMs, "callers wait although nothing can come");
  assert(firstMs < 1000 + healedLagMs, `the first 200 came after ${firstMs} ms`);
  // As many as it answers one after the other are half of them; a slow machine makes that fewer.
  const least = 0.2 * workMs / (workMs + usualMs);
  assert(good > least, `${good} of the requests were answered well, not ${least}`);
  // All of the load is 2 at a time; what was held up comes at once.
  const most = 10 + healedLagMs / 1000 * perSecond;
  assert(one!.peak <= most, `${one!.peak} at a time at the one that healed, not ${most}`);
  await plane.quiet();
}
