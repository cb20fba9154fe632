/** Groups of endpoints: who is well, panic, probation, nearness, sessions, and a look that moves nothing. */
import { assert, assertEquals } from "@test/assert";
import { EndpointState } from "../../../../lib/data/cluster/endpoint.ts";
import { EndpointGroup, type GroupOptions } from "../../../../lib/data/cluster/group.ts";
import { ClusterHealth } from "../../../../lib/data/resilience/outlier.ts";
import type { EndpointSnapshot } from "../../../../lib/plane/messages.ts";
import { balancePolicy } from "../../../support/candidates.ts";
import { FakeSocket } from "../../../support/fake_socket.ts";
import { changedService, defaultServicePolicy } from "../../../support/policy.ts";
import { seeded } from "../../../support/seeded.ts";

interface Connection {
  readonly socket: FakeSocket;
}
type Endpoint = EndpointState<Connection>;

const { outlier } = changedService(defaultServicePolicy, {
  outlier: {
    enabled: true,
    consecutiveFailures: 3,
    maxEjectedShare: 1,
    panicShare: 0.5,
    baseEjectMs: 1000,
  },
});

/** Endpoints 1 to `count`, in zone a unless `zones` says otherwise, one letter each. */
function setUp(
  count: number,
  { zones = "", seed = 1, ...options }: Partial<GroupOptions> & { zones?: string; seed?: number } =
    {},
) {
  const random = seeded(seed);
  // Without jitter every time out is known exactly.
  const health = new ClusterHealth(options.outlier ?? outlier, () => 0.999_999);
  health.total = count;
  const group = new EndpointGroup<Connection>("", {
    balance: balancePolicy("round_robin", { slowStartMs: 0 }),
    outlier,
    place: {},
    spread: 0,
    inOrder: false,
    ...options,
  });
  const make = (index: number, weight = 1) => {
    const snapshot: EndpointSnapshot = {
      host: "10.0.0.1",
      port: index + 1,
      instanceId: `i${index}`,
      version: "1.0.0",
      mesher: false,
      weight,
      zone: zones[index] ?? "a",
      region: "r",
    };
    return new EndpointState<Connection>(snapshot, {
      gauge: { idle: 0 },
      health,
      counters: new Float64Array(0),
      newcomer: false,
    });
  };
  const endpoints = Array.from({ length: count }, (_, index) => make(index));
  group.setMembers(endpoints);
  const at = (nowMs: number, { stickyId = "", hash = -1 } = {}) => ({
    nowMs,
    random,
    hash,
    stickyId,
  });
  /** Ports picked, each attempt at an end before the next. */
  const ports = (picks: number, nowMs = 0, about = {}, tried?: readonly Endpoint[]) =>
    Array.from({ length: picks }, () => group.pick(at(nowMs, about), tried)?.snapshot.port);
  return { group, endpoints, at, ports, make };
}

function counted(ports: readonly (number | undefined)[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const port of ports) counts[String(port)] = (counts[String(port)] ?? 0) + 1;
  return counts;
}

/** Fails until it is ejected, or would be but for the cap. */
function fail(group: EndpointGroup<Connection>, endpoint: Endpoint, nowMs = 0): void {
  for (let failure = 0; failure < outlier.consecutiveFailures; failure++) {
    endpoint.health.failed(endpoint.begin(nowMs), nowMs);
    endpoint.end();
  }
  group.invalidate();
}

Deno.test("group, an ejected endpoint gets nothing until its time is over", () => {
  const { group, endpoints, ports } = setUp(4);
  fail(group, endpoints[0]!);
  assertEquals(counted(ports(300, 999)), { 2: 100, 3: 100, 4: 100 });
  assertEquals(group.panic, false);
});

Deno.test("group, one that comes back gets one request, whose outcome decides", () => {
  for (const well of [true, false]) {
    const { group, endpoints, ports, at } = setUp(4);
    const [first] = endpoints as [Endpoint];
    fail(group, first);
    const nowMs = first.health.untilMs;
    let picked: Endpoint | undefined;
    for (let pick = 0; pick < 4 && picked !== first; pick++) {
      picked = group.pick(at(nowMs), undefined);
    }
    assert(picked === first, "its turn comes within one round");
    const ticket = first.begin(nowMs);
    group.invalidate();
    assertEquals(first.health.state, "probation");
    assertEquals(counted(ports(30, nowMs)), { 2: 10, 3: 10, 4: 10 }, "one at a time");
    if (well) first.health.succeeded(ticket, nowMs);
    else first.health.failed(ticket, nowMs);
    first.end();
    group.invalidate();
    const after = counted(ports(40, nowMs));
    assertEquals(after["1"] ?? 0, well ? 10 : 0);
    assertEquals(first.health.state, well ? "healthy" : "ejected");
  }
});

Deno.test("group, a request on probation that never ends keeps the endpoint out only for a while", () => {
  const { group, endpoints, ports } = setUp(4);
  const [first] = endpoints as [Endpoint];
  fail(group, first);
  const nowMs = first.health.untilMs;
  first.begin(nowMs);
  group.invalidate();
  assertEquals(counted(ports(40, nowMs + outlier.windowMs - 1))["1"], undefined);
  assertEquals(counted(ports(40, nowMs + outlier.windowMs))["1"], 10);
});

Deno.test("group, one that was let back in gets few requests at a time, then more", () => {
  const { group, endpoints, at } = setUp(3);
  const [first] = endpoints as [Endpoint];
  fail(group, first);
  const nowMs = first.health.untilMs;
  const ticket = first.begin(nowMs);
  first.health.succeeded(ticket, nowMs);
  first.end();
  group.invalidate();
  const most: number[] = [];
  for (let round = 0; round < 3; round++) {
    const open: { endpoint: Endpoint; ticket: number }[] = [];
    for (let pick = 0; pick < 60; pick++) {
      const endpoint = group.pick(at(nowMs), undefined)!;
      open.push({ endpoint, ticket: endpoint.begin(nowMs) });
    }
    most.push(first.open);
    for (const { endpoint, ticket } of open) {
      endpoint.health.succeeded(ticket, nowMs);
      endpoint.end();
    }
  }
  assertEquals(most.map((open, index) => index === 0 || open > most[index - 1]!), [
    true,
    true,
    true,
  ]);
  assertEquals([most[0], endpoints[1]!.open], [2, 0]);
});

Deno.test("group, too many out: ejections are ignored, all that can be reached are balanced over", () => {
  const { group, endpoints, ports } = setUp(5);
  for (const endpoint of endpoints.slice(0, 2)) fail(group, endpoint);
  assertEquals(counted(ports(30)), { 3: 10, 4: 10, 5: 10 });
  assertEquals(group.panic, false);
  fail(group, endpoints[2]!);
  assertEquals(counted(ports(50)), { 1: 10, 2: 10, 3: 10, 4: 10, 5: 10 });
  assertEquals(group.panic, true);
  // What cannot be reached at all stays out even then, and counts for neither side.
  endpoints[0]!.passOver(500, "connect_refused");
  group.invalidate();
  assertEquals(counted(ports(30)), { 4: 15, 5: 15 });
  assertEquals(group.panic, false);
  assertEquals(counted(ports(50, 500)), { 1: 10, 2: 10, 3: 10, 4: 10, 5: 10 });
});

Deno.test("group, panic ends when enough are well again", () => {
  const { group, endpoints, ports } = setUp(4);
  for (const endpoint of endpoints.slice(0, 3)) fail(group, endpoint);
  ports(1);
  assertEquals(group.panic, true);
  for (const endpoint of endpoints.slice(0, 2)) endpoint.health.readmitted(10);
  group.invalidate();
  ports(1, 10);
  assertEquals(group.panic, false);
});

Deno.test("group, one that only the cap on ejections keeps in does not count as well", () => {
  const strict = { ...outlier, maxEjectedShare: 0.25 };
  const { group, endpoints, ports } = setUp(4, { outlier: strict });
  for (const endpoint of endpoints.slice(0, 3)) fail(group, endpoint);
  assertEquals(endpoints.map(({ health }) => health.state), [
    "ejected",
    "healthy",
    "healthy",
    "healthy",
  ]);
  assertEquals(counted(ports(40)), { 1: 10, 2: 10, 3: 10, 4: 10 });
  assertEquals([group.panic, group.usableCount(0, [endpoints[3]!])], [true, 0]);
  assertEquals(group.usableCount(0, []), 1);
});

Deno.test("group, an attempt after others goes where none went before", () => {
  const { group, endpoints, at } = setUp(3);
  for (let round = 0; round < 20; round++) {
    const tried = [endpoints[round % 3]!];
    const second = group.pick(at(0), tried)!;
    assert(!tried.includes(second));
    const third = group.pick(at(0), [...tried, second])!;
    assert(third !== second && !tried.includes(third));
    assertEquals(group.pick(at(0), endpoints), undefined);
  }
});
