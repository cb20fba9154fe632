/** What the live page makes of the events of the stream. */
import { assertEquals } from "@test/assert";
import {
  appendColumns,
  beginAnew,
  emptyStore,
  fits,
  groupFailures,
  inOrder,
  noColumns,
  takeEvent,
} from "../../../../../lib/control/api/page/store.js";
import { parseEvent } from "../../../../../lib/control/api/page/stream.js";

function node(service: string, over: Record<string, unknown> = {}) {
  return {
    service,
    source: "registry",
    states: { healthy: 1 },
    unusable: 0,
    endpoints: [],
    ...over,
  };
}

function columns(at: readonly number[]) {
  const values = at.map(() => 1);
  return {
    at: [...at],
    requests: values,
    failed: values,
    retries: values,
    p50Ms: values,
    p95Ms: values,
    p99Ms: values,
  };
}

function failure(sequence: number, over: Record<string, unknown> = {}) {
  return {
    sequence,
    at: sequence * 1000,
    code: "reset",
    service: "Cart",
    role: "outbound",
    endpoint: "a:1",
    ...over,
  };
}

Deno.test("page store, services come, change, keep their figures, and go", () => {
  const store = emptyStore();
  takeEvent(store, "services", { changed: [node("Cart"), node("Bill")], gone: [] }, 0);
  const figures = [5, 0, 0, 1, 2, 3];
  takeEvent(store, "figures", {
    all: figures,
    inbound: figures,
    services: { Cart: { figures, endpoints: [5] }, Gone: { figures, endpoints: [] } },
  }, 0);
  takeEvent(store, "services", {
    changed: [node("Cart", { states: { ejected: 1 } })],
    gone: ["Bill"],
  }, 0);
  assertEquals([...store.services.keys()], ["Cart"]);
  const cart = store.services.get("Cart")! as unknown as Record<string, unknown>;
  assertEquals([cart["figures"], cart["rates"], cart["states"]], [figures, [5], { ejected: 1 }]);
});

Deno.test("page store, the clock of the sidecar is known by the state", () => {
  const store = emptyStore();
  takeEvent(store, "state", { at: 5000, status: { startedAt: 1 } }, 2000);
  assertEquals(store.skewMs, 3000);
});

Deno.test("page store, points are added once and the oldest go", () => {
  const known = noColumns();
  appendColumns(known, columns([5000, 10_000]));
  appendColumns(known, columns([5000, 10_000, 15_000]));
  // The same bucket, rounded another way.
  appendColumns(known, columns([15_001]));
  assertEquals(known.at, [5000, 10_000, 15_000]);
  appendColumns(known, columns(Array.from({ length: 300 }, (_, index) => 20_000 + index * 5000)));
  assertEquals([known.at!.length, known.requests!.length], [180, 180]);
});

Deno.test("page store, failures are kept newest first, and none twice", () => {
  const store = emptyStore();
  takeEvent(store, "failures", { newest: 2, dropped: 0, failures: [failure(2), failure(1)] }, 0);
  takeEvent(store, "failures", { newest: 3, dropped: 7, failures: [failure(3), failure(2)] }, 0);
  assertEquals(store.failures.map((one: { sequence: number }) => one.sequence), [3, 2, 1]);
  assertEquals(store.dropped, 7);
});

Deno.test("page store, the same process goes on, another one begins with nothing", () => {
  const store = emptyStore();
  takeEvent(store, "state", { at: 0, status: { startedAt: 100_000 } }, 0);
  takeEvent(store, "services", { changed: [node("Cart")], gone: [] }, 0);
  takeEvent(store, "failures", { newest: 1, dropped: 0, failures: [failure(1)] }, 0);
  beginAnew(store, 100_400);
  assertEquals([store.services.size, store.failures.length], [0, 1]);
  beginAnew(store, 900_000);
  assertEquals(store.failures.length, 0);
});

Deno.test("page store, failures of one kind in a row are one with a number", () => {
  const groups = groupFailures([
    failure(5),
    failure(4, { endpoint: "b:1" }),
    failure(3, { code: "no_endpoint" }),
    failure(2),
    failure(1, { service: "Bill" }),
  ]);
  assertEquals(
    groups.map((
      { newest, times, oldestSequence, endpoints }: {
        newest: { sequence: number };
        times: number;
        oldestSequence: number;
        endpoints: Set<string>;
      },
    ) => [newest.sequence, times, oldestSequence, endpoints.size]),
    [[5, 2, 4, 2], [3, 1, 3, 1], [2, 1, 2, 1], [1, 1, 1, 1]],
  );
});

Deno.test("page store, those in trouble come first, then the busiest, then by name", () => {
  const service = (name: string, perSecond: number, tone: string) => ({
    service: name,
    figures: [perSecond],
    tone,
  });
  const ordered = inOrder([
    service("B", 1, "good"),
    service("A", 1, "good"),
    service("C", 9, "good"),
    service("D", 0, "bad"),
    service("E", 5, "warn"),
  ], (one: { tone: string }) => one.tone);
  assertEquals(ordered.map((one: { service: string }) => one.service), ["D", "E", "C", "A", "B"]);
});

for (
  const [typed, fitting] of [
    ["", true],
    ["  ", true],
    ["count", true],
    ["10.0.0.1", true],
    ["ID-7", true],
    ["cart", false],
  ] as const
) {
  Deno.test(`page store, a service is ${fitting ? "" : "not "}found by "${typed}"`, () => {
    const one = node("AccountService", {
      endpoints: [{ address: "10.0.0.1:80", instanceId: "id-7" }],
    });
    assertEquals(fits(one as never, typed), fitting);
  });
}

Deno.test("page stream, an event is its name and its data", () => {
  assertEquals(parseEvent('event: state\ndata: {"a":1}'), { name: "state", data: { a: 1 } });
  assertEquals(parseEvent(": a comment"), undefined);
});
