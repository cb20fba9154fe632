/**
 * Protection under overload: a program that serves four requests at a time gets three times what it can do, with and
 * without a limit at its sidecar.
 *
 * Every program is judged by its own account of what it worked on: with protection its places are hardly ever empty,
 * and what it works on is for callers who still wait. Neither hangs on how fast the machine is.
 */
import { assert, assertEquals } from "@test/assert";
import type { ConcurrencyPolicy } from "../../lib/core/traffic.ts";
import { between, latency, OpenLoop } from "../support/load.ts";
import { medianOf } from "../support/measured.ts";
import { allEnded, nativeHere, type Plane, startPlane } from "../support/plane.ts";
import { type AppProcess, startApp, type Work } from "../support/policy_process.ts";
import { Lab, processesHere } from "../support/process.ts";
import { say } from "../support/process_story.ts";

const atATime = 4;
/** Times what it can do. */
const overload = 3;
/** How long a caller waits before it has no use for the answer any more. */
const giveUpMs = 1000;
/** After it, what a line without end has in its front is older than any caller waits. */
const warmMs = 1600;
const measuredMs = 1400;
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

interface Protection {
  readonly title: string;
  readonly concurrency: ConcurrencyPolicy;
  /** How long the program works on one request. */
  readonly workMs: number;
}

const protections: readonly Protection[] = [
  { title: "none", concurrency: noLimit, workMs: 80 },
  { title: "fixed 8", concurrency: { ...noLimit, limit: 8 }, workMs: 80 },
  {
    title: "fixed 4, line of 10",
    concurrency: { ...noLimit, limit: 4, queue: 10 },
    workMs: 80,
  },
  // It learns from numbers of answers, so there are more of them.
  { title: "adaptive to 200", concurrency: { ...noLimit, limit: 200, adaptive: true }, workMs: 40 },
];

interface Row {
  readonly title: string;
  readonly offered: number;
  /** Good answers in time, per second. */
  readonly goodput: number;
  /** How long a place of the program stays empty, usually. */
  readonly emptyMs: number;
  /** Share of what the program worked on that somebody still waited for. */
  readonly useful: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly refusedP99Ms: number;
  readonly limit: number;
  /** The usual time of a request with nothing to work on, and the longest there was. */
  readonly usualMs: number;
  readonly lagMs: number;
}

/**
 * How long places stayed empty: whoever begins finds the place of the one that ended so many before it.
 *
 * Shape: of those places that were left within the stretch; some numbers are negative where others ended first.
 */
function gapsOf(
  worked: readonly Work[],
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): readonly number[] {
  const begun = worked.map(({ begunMs }) => begunMs).sort((a, b) => a - b);
  const ended = worked.map(({ endedMs }) => endedMs).sort((a, b) => a - b);
  return ended.flatMap((endedMs, index) => {
    const nextMs = begun[index + atATime];
    return nextMs === undefined || endedMs < fromMs || endedMs >= toMs ? [] : [nextMs - endedMs];
  });
}

function sidecarOf(app: AppProcess, concurrency: ConcurrencyPolicy): Promise<Plane> {
  return startPlane({
    net: nativeHere ? "native" : "portable",
    roles: ["inbound"],
    policy: {
      localPorts: [{ protocol: "rest", port: app.port }],
      calls: { responseMs: 20_000 },
      // Neither limited here nor put in line there: how long it takes is what the machine holds up.
      healthPaths: ["/quick"],
      provider: { concurrency },
    },
  });
}

async function run(lab: Lab, { concurrency, title, workMs }: Protection): Promise<Row> {
  const app = await startApp(lab, `app ${title}`, { atATime });
  await using plane = await sidecarOf(app, concurrency);
  const port = plane.port("inbound");
  const capacity = atATime * 1000 / workMs;
  const offer = (share: number) =>
    new OpenLoop(port, {
      perSecond: capacity * share,
      giveUpMs,
      request: (index) => ({
        host: "app",
        path: `/?ms=${workMs}`,
        fields: [`x-request-id: ${share === overload ? index : "-"}`],
      }),
    });
  if (concurrency.adaptive) {
    await using ordinary = offer(ordinaryShare);
    await ordinary.at(ordinaryMs);
  }
  await using beside = new OpenLoop(port, {
    perSecond: 25,
    request: { host: "app", path: "/quick" },
  });
  await using load = offer(overload);
  await load.at(warmMs);
  const fromMs = performance.timeOrigin + performance.now();
  await load.at(warmMs + measuredMs);
  const toMs = performance.timeOrigin + performance.now();
  const all = await load.stop();
  const lagMs = beside.slowestMs(load.startMs + warmMs);
  const quick = await beside.stop();
  const shots = between(all, warmMs, warmMs + measuredMs);
  const good = shots.filter(({ status }) => status === 200);
  const refused = shots.filter(({ status }) => status === 503);
  const limit = plane.count(1, "limit");
  const worked = app.worked();
  // Whatever waits in the program's own line is ended with it.
  app.process.signal("SIGKILL");
  await plane.quiet({ clients: "any" });
  assertEquals(plane.open, 0);
  const answered = new Set(
    all.flatMap(({ body, status }, index) =>
      status === 200 && body === app.name ? [String(index)] : []
    ),
  );
  const ended = worked.filter(({ endedMs }) => endedMs >= fromMs && endedMs < toMs);
  return {
    title,
    offered: Math.round(shots.length / measuredMs * 1000),
    goodput: Math.round(good.length / measuredMs * 1000),
    emptyMs: medianOf(gapsOf(worked, { fromMs, toMs })),
    useful: ended.filter(({ id }) => answered.has(id)).length / ended.length,
    p50Ms: latency(good, 0.5),
    p99Ms: latency(good, 0.99),
    refusedP99Ms: latency(refused, 0.99),
    limit,
    usualMs: latency(quick, 0.5),
    lagMs: Math.round(lagMs),
  };
}

function print(row: Row): void {
  say(
    `${row.title.padEnd(20)} offered ${row.offered}/s  goodput ${row.goodput}/s  places empty for ${
      row.emptyMs.toFixed(1)
    } ms  work for somebody ${
      (row.useful * 100).toFixed(0)
    } %  p50 ${row.p50Ms} ms  p99 ${row.p99Ms} ms  ` +
      `refused within ${row.refusedP99Ms} ms  limit ${row.limit}  without work ${row.usualMs} to ${row.lagMs} ms`,
  );
}

Deno.test({
  name: "overload, three times the capacity: goodput stays near its peak and answers stay quick",
  ignore: !processesHere,
  async fn() {
    await using lab = await Lab.open();
    const rows = new Map<Protection, Row>();
    await allEnded(protections.map(async (each) => {
      rows.set(each, await run(lab, each));
    }));
    for (const each of protections) print(rows.get(each)!);
    for (const [{ concurrency, title, workMs }, row] of rows) {
      // Without a limit nearly every answer comes when nobody waits for it any more.
      if (concurrency.limit === 0) {
        assert(row.useful < 0.5, `${title}: ${row.useful} of the work is for somebody`);
        continue;
      }
      assert(row.useful >= 0.9, `${title}: ${row.useful} of the work is for somebody`);
      // A place that is left is taken again as soon as a request takes from here to there.
      const most = workMs * 0.1 + row.usualMs;
      assert(row.emptyMs <= most, `${title}: places stay empty for ${row.emptyMs} ms, not ${most}`);
      // What takes a while may be held up at its beginning and at its end.
      const heldUpMs = 2 * row.lagMs;
      assert(row.p99Ms < giveUpMs * 0.7 + heldUpMs, `${title}: p99 ${row.p99Ms} ms`);
      assert(row.refusedP99Ms < 400 + heldUpMs, `${title}: refused after ${row.refusedP99Ms} ms`);
    }
  },
});
