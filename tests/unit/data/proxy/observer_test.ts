/** Who watches requests: what each tap gets, what the access log gets, and what is only counted. */
import { assert, assertEquals } from "@test/assert";
import {
  Observer,
  type TapFacts,
  Trail,
  type TrailEnd,
} from "../../../../lib/data/proxy/observer.ts";
import type { ObservePolicy, RequestRecord, TapFilter } from "../../../../lib/plane/observe.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { recordsIn } from "../../../../lib/plane/record_batch.ts";
import { seeded } from "../../../support/seeded.ts";

const tracing = { share: 1, perSecond: 0, write: ["w3c"] } as const;

function setUp(policy: Partial<ObservePolicy> = {}) {
  const clock = new FakeClock();
  const batches: { records: readonly RequestRecord[]; dropped: number }[] = [];
  const observer = new Observer({
    clock,
    random: seeded(3),
    post: ({ batch, dropped }) => batches.push({ records: [...recordsIn(batch)], dropped }),
  });
  observer.setPolicy({ logShare: 0, taps: [], ...policy });
  return {
    clock,
    observer,
    batches,
    /** What was sent to control up to now, after the time that a batch takes. */
    async records(): Promise<readonly RequestRecord[]> {
      await clock.advance(100);
      return batches.flatMap((batch) => batch.records);
    },
  };
}

const end: TrailEnd = {
  service: "shop",
  route: "",
  status: 200,
  code: undefined,
  requestBytes: 3,
  responseBytes: 7,
  firstByteAtMs: 1_040,
  nowMs: 1_050,
};

function trailOf(observer: Observer, parts: Partial<Trail> = {}): Trail {
  return new Trail({
    role: "outbound",
    method: "GET",
    path: "/cart",
    authority: "shop:80",
    caller: "web",
    client: "127.0.0.1",
    logged: observer.logs(),
    trace: undefined,
    startedAtMs: 1_000,
    ...parts,
  });
}

function finish(observer: Observer, over: Partial<TrailEnd> = {}, parts: Partial<Trail> = {}) {
  trailOf(observer, parts).finish(observer, { ...end, ...over });
}

const facts: TapFacts = {
  role: "outbound",
  service: "Shop",
  method: "GET",
  path: "/cart/7",
  status: 200,
};

const filters: readonly {
  readonly filter: Partial<TapFilter>;
  readonly fits: readonly Partial<TapFacts>[];
  readonly not: readonly Partial<TapFacts>[];
}[] = [
  { filter: {}, fits: [{}, { status: 0 }, { code: "client_gone", status: 499 }], not: [] },
  { filter: { role: "inbound" }, fits: [{ role: "inbound" }], not: [{}] },
  { filter: { service: "sHOP" }, fits: [{}], not: [{ service: "shops" }, { service: "" }] },
  { filter: { method: "GET" }, fits: [{}], not: [{ method: "get" }, { method: "POST" }] },
  {
    filter: { pathPrefix: "/cart" },
    fits: [{}, { path: "/cart" }],
    not: [{ path: "/Cart" }, { path: "/" }],
  },
  { filter: { status: 200 }, fits: [{}], not: [{ status: 201 }, { status: 404 }] },
  { filter: { status: 4 }, fits: [{ status: 404 }, { status: 499 }], not: [{}, { status: 500 }] },
  {
    filter: { failuresOnly: true },
    fits: [{ status: 500 }, { status: 404, code: "service_unknown" }, {
      status: 429,
      code: "rate_limited",
    }],
    not: [{}, { status: 404 }],
  },
  { filter: { failuresOnly: false }, fits: [{}, { status: 500 }], not: [] },
  {
    filter: { method: "GET", status: 5, service: "shop" },
    fits: [{ status: 503 }],
    not: [{}, { status: 503, method: "PUT" }, { status: 503, service: "x" }],
  },
];

for (const { filter, fits, not } of filters) {
  Deno.test(`observer, a tap for ${JSON.stringify(filter)} gets what fits`, () => {
    const { observer } = setUp({ taps: [{ id: 7, perSecond: 1000, ...filter }] });
    for (const each of fits) {
      assertEquals(observer.tapsFor({ ...facts, ...each }), [7], JSON.stringify(each));
    }
    for (const each of not) {
      assertEquals(observer.tapsFor({ ...facts, ...each }), [], JSON.stringify(each));
    }
  });
}

Deno.test("observer, a tap gets so many a second, counted for each by what fits it", async () => {
  const { observer, clock } = setUp({
    taps: [{ id: 1, perSecond: 2 }, { id: 2, perSecond: 3, status: 5 }],
  });
  const taps = (status: number) => observer.tapsFor({ ...facts, status });
  assertEquals([taps(200), taps(200), taps(200)], [[1], [1], []]);
  assertEquals([taps(500), taps(500), taps(500), taps(500)], [[2], [2], [2], []]);
  await clock.advance(999);
  assertEquals(taps(500), []);
  await clock.advance(1);
  assertEquals([taps(500), taps(500), taps(500)], [[1, 2], [1, 2], [2]]);
});

Deno.test("observer, a tap keeps its count when others come and go", () => {
  const { observer } = setUp();
  const one: TapFilter = { id: 1, perSecond: 1 };
  observer.setPolicy({ logShare: 0, taps: [one] });
  assertEquals(observer.tapsFor(facts), [1]);
  observer.setPolicy({ logShare: 0, taps: [{ id: 2, perSecond: 1 }, { ...one }] });
  assertEquals([observer.tapsFor(facts), observer.tapsFor(facts)], [[2], []]);
  observer.setPolicy({ logShare: 0, taps: [{ id: 2, perSecond: 9, status: 5 }] });
  assertEquals([observer.tapsFor(facts), observer.tapsFor({ ...facts, status: 500 })], [[], []]);
});

const watching: readonly { readonly policy: Partial<ObservePolicy>; readonly active: boolean }[] = [
  { policy: {}, active: false },
  { policy: { logShare: 0.01 }, active: true },
  { policy: { taps: [{ id: 1, perSecond: 1 }] }, active: true },
  { policy: { tracing }, active: true },
];

for (const { policy, active } of watching) {
  Deno.test(`observer, with ${JSON.stringify(policy)} it is ${active ? "" : "in"}active`, () => {
    const { observer } = setUp(policy);
    assertEquals(observer.active, active);
    assertEquals(observer.sampler !== undefined, "tracing" in policy);
    // With traces alone it is known at once who is recorded.
    assertEquals(observer.decidesLate, active && !("tracing" in policy));
    observer.setPolicy({ logShare: 0, taps: [] });
    assertEquals([observer.active, observer.sampler, observer.traceFormats], [false, undefined, 0]);
  });
}

Deno.test("observer, the access log gets its share of requests", () => {
  const { observer } = setUp({ logShare: 0.25 });
  let logged = 0;
  for (let index = 0; index < 4000; index++) if (observer.logs()) logged++;
  assert(Math.abs(logged - 1000) < 100, `${logged}`);
  for (const [logShare, expected] of [[0, 0], [1, 50]] as const) {
    observer.setPolicy({ logShare, taps: [] });
    assertEquals(
      Array.from({ length: 50 }, () => observer.logs()).filter(Boolean).length,
      expected,
    );
  }
});

Deno.test("observer, nobody wants the record of a request: none is made", async () => {
  const { observer, records, batches } = setUp({ taps: [{ id: 1, perSecond: 9, status: 5 }] });
  finish(observer);
  assertEquals([(await records()).length, batches.length], [0, 0]);
});

Deno.test("observer, failures are for the access log whatever its share is", async () => {
  const { observer, records } = setUp({ logShare: Number.MIN_VALUE });
  finish(observer);
  finish(observer, { status: 500 });
  finish(observer, { status: 503, code: "no_endpoint" });
  const [one, ...others] = await records();
  assertEquals([one?.code, one?.logged, others.length], ["no_endpoint", false, 0]);
  // Where there is no access log they are nobody's.
  observer.setPolicy({ logShare: 0, taps: [{ id: 1, perSecond: 9, status: 2 }] });
  finish(observer, { status: 503, code: "no_endpoint" });
  assertEquals((await records()).length, 1);
});

Deno.test("observer, records go in batches, and what does not fit is counted once", async () => {
  const { observer, clock, batches } = setUp({ logShare: 1 });
  finish(observer);
  finish(observer);
  await clock.advance(99);
  assertEquals(batches.length, 0);
  await clock.advance(1);
  assertEquals(batches.map(({ records, dropped }) => [records.length, dropped]), [[2, 0]]);
  for (let index = 0; index < 2_050; index++) finish(observer);
  await clock.advance(100);
  finish(observer);
  await clock.advance(100);
  assertEquals(
    batches.slice(1).map(({ records, dropped }) => [records.length, dropped]),
    [[2_000, 50], [1, 0]],
  );
  // With nothing to send it does not even look.
  assertEquals(clock.sleeping, 0);
  observer.flush();
  assertEquals(batches.length, 3);
});

Deno.test("observer, what waits at the end can be sent at once, and only once", async () => {
  const { observer, clock, batches } = setUp({ logShare: 1 });
  finish(observer);
  observer.flush();
  assertEquals(batches.length, 1);
  await clock.advance(1_000);
  assertEquals(batches.length, 1);
});
