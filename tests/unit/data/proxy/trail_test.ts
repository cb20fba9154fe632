/** The trail that a watched request leaves, and the record that is made of it. */
import { assert, assertEquals } from "@test/assert";
import { Observer, Trail, type TrailEnd } from "../../../../lib/data/proxy/observer.ts";
import { Sampler } from "../../../../lib/data/trace/sampler.ts";
import { beginTrace, type Trace } from "../../../../lib/data/trace/trace.ts";
import { TraceFields, traceFormat } from "../../../../lib/data/trace/trace_fields.ts";
import type { RequestRecord } from "../../../../lib/plane/observe.ts";
import { recordsIn } from "../../../../lib/plane/record_batch.ts";
import { seeded } from "../../../support/seeded.ts";

const end: TrailEnd = {
  service: "Shop",
  route: "",
  status: 200,
  code: undefined,
  requestBytes: 3,
  responseBytes: 7,
  firstByteAtMs: 1_040,
  nowMs: 1_050,
};

/** A trail that everybody wants to see, and the record it ends in. */
function setUp({ trace, logged = true }: { trace?: Trace; logged?: boolean } = {}) {
  const records: RequestRecord[] = [];
  const observer = new Observer({
    clock: { now: () => 0, sleep: () => new Promise<void>(() => {}) },
    random: seeded(3),
    post: ({ batch }) => records.push(...recordsIn(batch)),
  });
  const trail = new Trail({
    role: "inbound",
    method: "PUT",
    path: "/cart",
    authority: "shop:80",
    caller: "web",
    client: "10.0.0.9",
    logged,
    trace,
    startedAtMs: 1_000,
  });
  const finish = (over: Partial<TrailEnd> = {}): RequestRecord | undefined => {
    trail.finish(observer, { ...end, ...over });
    observer.flush();
    return records.at(-1);
  };
  return { trail, finish };
}

function trace(share: number, fields: Readonly<Record<string, string>> = {}): Trace {
  const gathered = new TraceFields();
  for (const [name, value] of Object.entries(fields)) gathered.add(name, value);
  return beginTrace(gathered, traceFormat.w3c, {
    sampler: new Sampler({ share, perSecond: 0 }),
    random: seeded(9),
    nowMs: 0,
  });
}

Deno.test("trail, a request that never got as far as an attempt", () => {
  const { finish } = setUp();
  const beganAt = Date.now();
  const { at, ...record } = finish({ status: 503, code: "service_unknown", firstByteAtMs: 0 })!;
  assert(at <= beganAt && at > beganAt - 10_000);
  assertEquals(record, {
    role: "inbound",
    service: "Shop",
    method: "PUT",
    path: "/cart",
    status: 503,
    code: "service_unknown",
    authority: "shop:80",
    caller: "web",
    client: "10.0.0.9",
    requestBytes: 3,
    responseBytes: 7,
    durationMs: 50,
    ownMs: 0,
    attempts: [],
    logged: true,
    taps: [],
  });
});

Deno.test("trail, attempts in their order, with times from the request's beginning", () => {
  const { trail, finish } = setUp();
  trail.attemptBegun("a:1", { nowMs: 1_001, spanId: undefined });
  trail.attemptEnded(1_004);
  trail.attemptFailed("connect_refused");
  trail.attemptBegun("b:1", { nowMs: 1_010, spanId: undefined });
  trail.attemptAnswered(200, 1_040);
  trail.attemptEnded(1_050);
  trail.ownMs = 0.5;
  trail.detail = "words";
  const record = finish({ route: "canary" })!;
  assertEquals(record.attempts, [
    { endpoint: "a:1", startMs: 1, endMs: 4, code: "connect_refused" },
    { endpoint: "b:1", startMs: 10, endMs: 50, status: 200, firstByteMs: 40 },
  ]);
  assertEquals(
    [record.firstByteMs, record.durationMs, record.ownMs, record.route, record.detail],
    [40, 50, 0.5, "canary", "words"],
  );
});

Deno.test("trail, of two attempts side by side each gets what is its own", () => {
  const { trail, finish } = setUp();
  trail.attemptBegun("slow:1", { nowMs: 1_000, spanId: "1".repeat(16) });
  trail.attemptBegun("quick:1", { nowMs: 1_020, spanId: "2".repeat(16) });
  trail.turnTo("slow:1");
  trail.attemptEnded(1_030);
  trail.turnTo("quick:1");
  trail.attemptAnswered(200, 1_030);
  trail.attemptEnded(1_050);
  assertEquals(finish()!.attempts, [
    { endpoint: "slow:1", startMs: 0, endMs: 30, spanId: "1".repeat(16) },
    {
      endpoint: "quick:1",
      startMs: 20,
      endMs: 50,
      spanId: "2".repeat(16),
      status: 200,
      firstByteMs: 30,
    },
  ]);
});

Deno.test("trail, an attempt that fails beside another leaves the other one under way", () => {
  const { trail, finish } = setUp();
  trail.attemptBegun("slow:1", { nowMs: 1_000, spanId: undefined });
  trail.attemptBegun("dead:1", { nowMs: 1_020, spanId: undefined });
  trail.attemptFailed("connect_refused");
  trail.attemptEnded(1_021);
  trail.turnTo("slow:1");
  trail.attemptAnswered(200, 1_040);
  trail.attemptEnded(1_050);
  assertEquals(finish()!.attempts, [
    { endpoint: "slow:1", startMs: 0, endMs: 50, status: 200, firstByteMs: 40 },
    { endpoint: "dead:1", startMs: 20, endMs: 21, code: "connect_refused" },
  ]);
});

Deno.test("trail, what comes before any attempt harms nothing", () => {
  const { trail, finish } = setUp();
  trail.attemptEnded(1_001);
  trail.attemptFailed("internal");
  trail.attemptAnswered(200, 1_002);
  trail.turnTo("nowhere:1");
  assertEquals(finish()!.attempts, []);
});

Deno.test("trail, a recorded trace is reason enough for a record, one that is not is none", () => {
  const recorded = setUp({ logged: false, trace: trace(1) }).finish()!;
  assertEquals([recorded.logged, recorded.trace?.parentId], [false, undefined]);
  assertEquals(recorded.trace!.traceId.length, 32);
  assertEquals(setUp({ logged: false, trace: trace(0) }).finish(), undefined);
  assertEquals(setUp({ trace: trace(0) }).finish()!.trace, undefined);
});

Deno.test("trail, a continued trace names the caller's span and state", () => {
  const fields = {
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    tracestate: "v=1",
  };
  const { trace: ids } = setUp({ logged: false, trace: trace(0, fields) }).finish()!;
  assertEquals(
    [ids!.traceId, ids!.parentId, ids!.state],
    ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "v=1"],
  );
  assert(ids!.spanId !== ids!.parentId);
});

Deno.test("trail, an attempt that another address of its host takes over is that one's", () => {
  const { trail, finish } = setUp();
  trail.attemptMoved("nobody:1");
  trail.attemptBegun("a:1", { nowMs: 1_001, spanId: undefined });
  trail.attemptMoved("b:1");
  trail.attemptAnswered(200, 1_040);
  trail.attemptEnded(1_050);
  assertEquals(finish()!.attempts, [
    { endpoint: "b:1", startMs: 1, endMs: 50, status: 200, firstByteMs: 40 },
  ]);
});
