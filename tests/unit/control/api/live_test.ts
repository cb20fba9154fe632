/** The feed behind the live page: everything first, then what has changed. */
import { assert, assertEquals } from "@test/assert";
import { LiveFeed, type LiveSource } from "../../../../lib/control/api/live.ts";
import type { LiveService } from "../../../../lib/control/api/shapes/live.ts";
import { liveSource } from "../../../support/admin_view.ts";

function service(name: string, states: LiveService["states"] = { healthy: 1 }): LiveService {
  return { service: name, source: "registry", states, unusable: 0, endpoints: [] };
}

function setUp(options: { maxListeners?: number } = {}) {
  let services: LiveService[] = [service("Cart"), service("Bill")];
  let rate = 1;
  let ends: number[] = [5000];
  let newest = 0;
  let reads = 0;
  const source: LiveSource = {
    ...liveSource,
    services: () => {
      reads++;
      return services;
    },
    figures: () => ({
      all: [rate, 0, 0, null, null, null],
      inbound: [0, 0, 0, null, null, null],
      services: new Map([["Cart", { figures: [rate, 0, 0, null, null, null], endpoints: [] }]]),
    }),
    columns: (_scope, sinceMs) => {
      const endMs = ends.filter((end) => end > sinceMs);
      const values = endMs.map(() => 0);
      return {
        endMs,
        requests: values,
        failed: values,
        retries: values,
        p50Ms: values,
        p95Ms: values,
        p99Ms: values,
      };
    },
    columnsJson: ({ endMs }) => JSON.stringify({ at: endMs }),
    failures: (after) => ({
      newest,
      dropped: 0,
      failures: Array.from({ length: newest - after }, (_, index) => ({
        sequence: newest - index,
      })) as never,
    }),
  };
  const feed = new LiveFeed(source, options);
  return {
    feed,
    set: (over: {
      services?: LiveService[];
      rate?: number;
      ends?: number[];
      newest?: number;
    }) => {
      services = over.services ?? services;
      rate = over.rate ?? rate;
      ends = over.ends ?? ends;
      newest = over.newest ?? newest;
    },
    reads: () => reads,
  };
}

class Listener {
  readonly ended = new AbortController();
  readonly events: AsyncGenerator<{ event: string; data: string }>;

  constructor(feed: LiveFeed) {
    this.events = feed.listen(this.ended.signal)!;
  }

  /** The next so many events. */
  async take(count: number): Promise<(readonly [string, Record<string, unknown>])[]> {
    const taken: (readonly [string, Record<string, unknown>])[] = [];
    while (taken.length < count) {
      const { value } = await this.events.next();
      taken.push([value!.event, JSON.parse(value!.data)]);
    }
    return taken;
  }
}

const opening = 5;

Deno.test("live feed, a new listener gets everything once", async () => {
  const { feed } = setUp();
  const listener = new Listener(feed);
  const events = await listener.take(opening);
  assertEquals(events.map(([event]) => event), [
    "state",
    "services",
    "figures",
    "points",
    "failures",
  ]);
  assertEquals((events[1]![1]["changed"] as unknown[]).length, 2);
  listener.ended.abort();
});

Deno.test("live feed, then only what has changed, with those that are gone", async () => {
  const { feed, set } = setUp();
  const listener = new Listener(feed);
  await listener.take(opening);
  const next = listener.take(3);
  set({ services: [service("Cart", { ejected: 1 })], ends: [5000, 10_000], rate: 1 });
  feed.tick();
  set({ rate: 7 });
  await Promise.resolve();
  const events = await next;
  assertEquals(events[0], ["services", {
    changed: [service("Cart", { ejected: 1 })],
    gone: ["Bill"],
  }]);
  const points = events.find(([event]) => event === "points")!;
  assertEquals((points[1]["all"] as { at: number[] }).at, [10_000]);
  listener.ended.abort();
});

Deno.test("live feed, a tick without news tells nothing", async () => {
  const { feed, set } = setUp();
  const listener = new Listener(feed);
  await listener.take(opening);
  const next = listener.take(1);
  feed.tick();
  feed.tick();
  set({ rate: 9 });
  feed.tick();
  assertEquals((await next)[0]![0], "figures");
  listener.ended.abort();
});

Deno.test("live feed, a slow listener misses ticks and no change", async () => {
  const { feed, set } = setUp();
  const slow = new Listener(feed);
  await slow.take(opening);
  set({ newest: 1 });
  feed.tick();
  set({ newest: 5, services: [service("Cart"), service("Bill"), service("New")] });
  feed.tick();
  const events = await slow.take(2);
  assertEquals(events[0]![0], "services");
  assertEquals((events[1]![1]["failures"] as unknown[]).length, 5);
  slow.ended.abort();
});

Deno.test("live feed, of a flood of failures the newest are told", async () => {
  const { feed, set } = setUp();
  set({ newest: 180 });
  const listener = new Listener(feed);
  const [, , , , failures] = await listener.take(opening);
  const told = failures![1]["failures"] as { sequence: number }[];
  assertEquals([told.length, told[0]!.sequence], [50, 180]);
  listener.ended.abort();
});

Deno.test("live feed, nothing is read while nobody listens", async () => {
  const { feed, reads } = setUp();
  feed.tick();
  assertEquals(reads(), 0);
  const listener = new Listener(feed);
  await listener.take(opening);
  listener.ended.abort();
  const before = reads();
  feed.tick();
  assertEquals([reads() - before, feed.listeners], [0, 0]);
});

Deno.test("live feed, two listeners of one tick cost one reading", async () => {
  const { feed, reads } = setUp();
  const one = new Listener(feed);
  const two = new Listener(feed);
  await Promise.all([one.take(opening), two.take(opening)]);
  assertEquals(reads(), 1);
  one.ended.abort();
  two.ended.abort();
});

Deno.test("live feed, with very many services comes at every third tick", async () => {
  const { feed, set, reads } = setUp();
  set({ services: Array.from({ length: 300 }, (_, index) => service(`S${index}`)) });
  const listener = new Listener(feed);
  await listener.take(opening);
  const next = listener.take(1);
  for (let tick = 1; tick <= 3; tick++) {
    set({ rate: tick + 1 });
    feed.tick();
    // The listener looks at each tick.
    await new Promise((resolve) => setTimeout(resolve));
  }
  assertEquals((await next)[0]![1]["all"], [4, 0, 0, null, null, null]);
  assertEquals(reads(), 2);
  listener.ended.abort();
});

Deno.test("live feed, takes only so many listeners, and another once one has left", () => {
  const { feed } = setUp({ maxListeners: 2 });
  const [one, two, three] = [new AbortController(), new AbortController(), new AbortController()];
  assert(feed.listen(one.signal) !== undefined);
  assert(feed.listen(two.signal) !== undefined);
  assertEquals(feed.listen(three.signal), undefined);
  one.abort();
  assert(feed.listen(three.signal) !== undefined);
  feed.close();
});

Deno.test("live feed, ends for everybody when it closes", async () => {
  const { feed } = setUp();
  const listener = new Listener(feed);
  await listener.take(opening);
  const last = listener.events.next();
  feed.close();
  assertEquals((await last).done, true);
  assertEquals(feed.listen(new AbortController().signal), undefined);
});
