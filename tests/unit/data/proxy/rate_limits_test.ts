/** The limits of a policy on cells that all threads share. */
import { assert, assertEquals } from "@test/assert";
import type { RateLimit } from "../../../../lib/core/traffic.ts";
import { CompiledLimit, LimitMemory } from "../../../../lib/data/proxy/rate_limits.ts";
import { limitBytes, limitsPerBlock } from "../../../../lib/plane/limits.ts";
import { blocks, maxBlocks } from "../../../../lib/plane/counters.ts";
import { seeded } from "../../../support/seeded.ts";
import { factsOf } from "../routing/facts_support.ts";

const random = seeded(5);

function limit(parts: Partial<RateLimit> = {}): RateLimit {
  return { name: "few", perSecond: 1, burst: 3, ...parts };
}

const place = { block: 3, index: 0 };

/** Two threads of one process: the second was started 5 seconds after the first. */
function twoThreads() {
  const shared = new SharedArrayBuffer(limitBytes);
  return [new LimitMemory(shared, 0), new LimitMemory(shared, 5_000)] as const;
}

function taken(
  compiled: CompiledLimit,
  count: number,
  { nowMs, ...facts }: { nowMs: number } & Parameters<typeof factsOf>[0],
): number {
  let through = 0;
  for (let index = 0; index < count; index++) {
    if (compiled.take(factsOf(facts), { nowMs, random }) === 0) through++;
  }
  return through;
}

for (const per of [undefined, { kind: "header", name: "x-user" }] as const) {
  const title = per === undefined ? "one bucket" : "a bucket for each key";
  const parts = per === undefined ? {} : { per };

  Deno.test(`rate limits, ${title}: threads take from the same one, whatever their clocks count from`, () => {
    const [one, other] = twoThreads();
    const first = new CompiledLimit(limit(parts), one, place);
    const second = new CompiledLimit(limit(parts), other, place);
    const headers = { "x-user": "ann" };
    assertEquals(taken(first, 2, { nowMs: 10_000, headers }), 2);
    // The same moment on the clock of the thread that began later.
    assertEquals(taken(second, 5, { nowMs: 5_000, headers }), 1);
    assertEquals(taken(first, 5, { nowMs: 10_000, headers }), 0);
    assertEquals(taken(second, 5, { nowMs: 7_000, headers }), 2);
    assertEquals(taken(first, 5, { nowMs: 12_000, headers }), 0);
  });

  Deno.test(`rate limits, ${title}: as many together as one thread alone would let through`, () => {
    const threads = twoThreads();
    const offsets = [0, 5_000];
    const limits = threads.map((memory) =>
      new CompiledLimit(limit({ ...parts, burst: 10 }), memory, place)
    );
    let through = 0;
    for (let ms = 10_000; ms <= 40_000; ms += 10) {
      const thread = random.below(2);
      through += taken(limits[thread]!, 1, {
        nowMs: ms - offsets[thread]!,
        headers: { "x-user": "ann" },
      });
    }
    assertEquals(through, 10 + 30);
  });
}

Deno.test("rate limits, say how long to wait", () => {
  const [memory] = twoThreads();
  const compiled = new CompiledLimit(limit({ perSecond: 0.5, burst: 1 }), memory, place);
  assertEquals(compiled.take(factsOf(), { nowMs: 1_000, random }), 0);
  assertEquals(compiled.take(factsOf(), { nowMs: 1_000, random }), 2_000);
  assertEquals(compiled.take(factsOf(), { nowMs: 2_500, random }), 500);
  assertEquals(compiled.take(factsOf(), { nowMs: 3_000, random }), 0);
});

Deno.test("rate limits, take from the requests that fit only", () => {
  const [memory] = twoThreads();
  const compiled = new CompiledLimit(
    limit({ burst: 1, match: { path: { prefix: "/search" } } }),
    memory,
    place,
  );
  assertEquals(taken(compiled, 4, { nowMs: 0, target: "/search/a" }), 1);
  assertEquals(taken(compiled, 4, { nowMs: 0, target: "/other" }), 4);
});

Deno.test("rate limits, keys have buckets of their own, and requests without one share one", () => {
  const [memory] = twoThreads();
  const compiled = new CompiledLimit(
    limit({ burst: 2, per: { kind: "caller" } }),
    memory,
    place,
  );
  assertEquals(taken(compiled, 5, { nowMs: 0, caller: "web" }), 2);
  assertEquals(taken(compiled, 5, { nowMs: 0, caller: "jobs" }), 2);
  assertEquals(taken(compiled, 5, { nowMs: 0, caller: "" }), 2);
  assertEquals(taken(compiled, 5, { nowMs: 0, caller: "web" }), 0);
});

Deno.test("rate limits, no two places share a bucket, up to the last of each block", () => {
  const [memory] = twoThreads();
  const places = [
    { block: blocks.none, index: 0 },
    { block: blocks.inbound, index: 0 },
    { block: 3, index: 0 },
    { block: 3, index: limitsPerBlock - 1 },
    { block: 4, index: 0 },
    { block: maxBlocks - 1, index: limitsPerBlock - 1 },
  ];
  for (const per of [undefined, { kind: "source" }] as const) {
    for (const each of places) {
      const one = limit({ burst: 2, ...(per === undefined ? {} : { per }) });
      const compiled = new CompiledLimit(one, memory, each);
      assertEquals(taken(compiled, 5, { nowMs: 0, source: "10.1.1.1" }), 2, JSON.stringify(each));
    }
  }
});

Deno.test("rate limits, a service with more limits than there are places is held to them all the same", () => {
  const [memory] = twoThreads();
  const beyond = [limitsPerBlock - 1, limitsPerBlock, limitsPerBlock + 30].map((index) =>
    new CompiledLimit(limit({ burst: 2 }), memory, { block: 3, index })
  );
  const through = beyond.map((compiled) => taken(compiled, 5, { nowMs: 0 }));
  // Those without a place share the last one: never more goes through than one of them allows.
  assertEquals(through, [2, 0, 0]);
});

Deno.test("rate limits, a changed limit starts from what was taken, and nobody waits longer than it says", () => {
  const [memory] = twoThreads();
  assertEquals(taken(new CompiledLimit(limit({ burst: 3 }), memory, place), 9, { nowMs: 0 }), 3);
  const faster = new CompiledLimit(limit({ perSecond: 100, burst: 10 }), memory, place);
  const waitMs = faster.take(factsOf(), { nowMs: 0, random });
  assert(waitMs <= 10, `${waitMs}`);
});

Deno.test("rate limits, a look says how long until one may go, without taking, and whom it is for", () => {
  const [memory] = twoThreads();
  const match = { headers: [{ name: "x-user", value: { exact: "ann" } }] };
  const compiled = new CompiledLimit(limit({ match }), memory, place);
  const ann = factsOf({ headers: { "x-user": "ann" } });
  assertEquals([compiled.isFor(ann, random), compiled.isFor(factsOf(), random)], [true, false]);
  assertEquals([compiled.look(ann, 10_000), compiled.look(ann, 10_000)], [0, 0]);
  assertEquals(taken(compiled, 5, { nowMs: 10_000, headers: { "x-user": "ann" } }), 3);
  assertEquals([compiled.look(ann, 10_000), compiled.look(ann, 10_600)], [1000, 400]);
});
