/**
 * Protection under overload: a program that serves four requests at a time gets three times what it can do, with and
 * without a limit at its sidecar.
 */
import { assert, assertEquals } from "@test/assert";
import type { ConcurrencyPolicy } from "../../lib/core/traffic.ts";
import { between, latency, OpenLoop } from "../support/load.ts";
import { nativeHere, type Plane, startPlane } from "../support/plane.ts";
import { type AppProcess, startApp } from "../support/policy_process.ts";
import { Lab, processesHere } from "../support/process.ts";
import { say } from "../support/process_story.ts";

const atATime = 4;
const workMs = 40;
/** What the program can do in a second at most; timers make it a little less. */
const capacity = atATime * 1000 / workMs;
/** How long a caller waits before it has no use for the answer any more. */
const giveUpMs = 1000;
const warmMs = 1000;
const measuredMs = 1500;
/** How long an adaptive limit sees ordinary load before: it has to know what is normal. */
const ordinaryMs = 2000;
const ordinaryShare = 0.6;

const noLimit: ConcurrencyPolicy = {
  limit: 0,
  adaptive: false,
  minLimit: 2,
  queue: 0,
  queueMs: 200,
};

const protections: readonly { title: string; concurrency: ConcurrencyPolicy }[] = [
  { title: "none", concurrency: noLimit },
  { title: "fixed 8", concurrency: { ...noLimit, limit: 8 } },
  { title: "fixed 4, line of 20", concurrency: { ...noLimit, limit: 4, queue: 20 } },
  { title: "adaptive to 200", concurrency: { ...noLimit, limit: 200, adaptive: true } },
];

interface Row {
  readonly title: string;
  readonly offered: number;
  /** Good answers in time, per second. */
  readonly goodput: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly refusedP99Ms: number;
  readonly limit: number;
}

function sidecarOf(app: AppProcess, concurrency: ConcurrencyPolicy): Promise<Plane> {
  return startPlane({
    net: nativeHere ? "native" : "portable",
    roles: ["inbound"],
    policy: {
      localPorts: [{ protocol: "rest", port: app.port }],
      calls: { responseMs: 20_000 },
      provider: { concurrency },
    },
  });
}

async function run(
  lab: Lab,
  { title, concurrency, times }: {
    readonly title: string;
    readonly concurrency: ConcurrencyPolicy;
    readonly times: number;
  },
): Promise<Row> {
  const app = await startApp(lab, `app ${title} ${times}`, { atATime });
  await using plane = await sidecarOf(app, concurrency);
  const offer = (share: number) =>
    new OpenLoop(plane.port("inbound"), {
      perSecond: capacity * share,
      giveUpMs,
      request: { host: "app", path: `/?ms=${workMs}` },
    });
  if (concurrency.adaptive) {
    await using ordinary = offer(ordinaryShare);
    await ordinary.at(ordinaryMs);
  }
  await using load = offer(times);
  await load.at(warmMs + measuredMs);
  const shots = between(await load.stop(), warmMs, warmMs + measuredMs);
  const good = shots.filter(({ status }) => status === 200);
  const refused = shots.filter(({ status }) => status === 503);
  const limit = plane.count(1, "limit");
  // Whatever waits in the program's own line is ended with it.
  app.process.signal("SIGKILL");
  await plane.quiet({ clients: plane.gauge("clientsOpen") });
  assertEquals(plane.open, 0);
  return {
    title,
    offered: Math.round(shots.length / measuredMs * 1000),
    goodput: Math.round(good.length / measuredMs * 1000),
    p50Ms: latency(good, 0.5),
    p99Ms: latency(good, 0.99),
    refusedP99Ms: latency(refused, 0.99),
    limit,
  };
}

function print(row: Row): void {
  say(
    `${row.title.padEnd(22)} offered ${String(row.offered).padStart(3)}/s  goodput ${
      String(row.goodput).padStart(3)
    }/s  p50 ${String(row.p50Ms).padStart(4)} ms  p99 ${
      String(row.p99Ms).padStart(4)
    } ms  refused within ${row.refusedP99Ms} ms  limit ${row.limit}`,
  );
}

Deno.test({
  name: "overload, three times the capacity: goodput stays near its peak and answers stay quick",
  ignore: !processesHere,
  async fn() {
    await using lab = await Lab.open();
    const peak = await run(lab, { ...protections[0]!, title: "none, 0.9 x", times: 0.9 });
    print(peak);
    const rows: Row[] = [];
    for (const each of protections) {
      rows.push(await run(lab, { ...each, times: 3 }));
      print(rows.at(-1)!);
    }
    const [none, ...limited] = rows;
    const best = Math.max(...[peak, ...rows].map((each) => each.goodput));
    // Without a limit nearly every answer comes when nobody waits for it any more.
    assert(none!.goodput < peak.goodput * 0.5, `${none!.goodput} without protection`);
    for (const { goodput, p99Ms, refusedP99Ms, title } of limited) {
      assert(goodput >= best * 0.9, `${title}: goodput ${goodput} of ${best}`);
      assert(p99Ms < giveUpMs * 0.7, `${title}: p99 ${p99Ms} ms`);
      assert(refusedP99Ms < 400, `${title}: refused after ${refusedP99Ms} ms`);
    }
  },
});
