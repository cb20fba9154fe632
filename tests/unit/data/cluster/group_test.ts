/** Groups of endpoints: who is well, who is on probation, and when ejections are ignored. */
import { assert, assertEquals } from "@test/assert";
import { counted, type Endpoint, groupOf, outlier } from "../../../support/endpoint_group.ts";

Deno.test("group, an ejected endpoint gets nothing until its time is over", () => {
  const { group, endpoints, ports, fail } = groupOf(4);
  fail(endpoints[0]!);
  assertEquals(counted(ports(300, 999)), { 2: 100, 3: 100, 4: 100 });
  assertEquals(group.panic, false);
});

Deno.test("group, one that comes back gets one request, whose outcome decides", () => {
  for (const well of [true, false]) {
    const { group, endpoints, ports, at, fail } = groupOf(4);
    const [first] = endpoints as [Endpoint];
    fail(first);
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
  const { group, endpoints, ports, fail } = groupOf(4);
  const [first] = endpoints as [Endpoint];
  fail(first);
  const nowMs = first.health.untilMs;
  first.begin(nowMs);
  group.invalidate();
  assertEquals(counted(ports(40, nowMs + outlier.windowMs - 1))["1"], undefined);
  assertEquals(counted(ports(40, nowMs + outlier.windowMs))["1"], 10);
});

Deno.test("group, one that was let back in gets few requests at a time, then more", () => {
  const { group, endpoints, at, fail } = groupOf(3);
  const [first] = endpoints as [Endpoint];
  fail(first);
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
  const { group, endpoints, ports, fail } = groupOf(5);
  for (const endpoint of endpoints.slice(0, 2)) fail(endpoint);
  assertEquals(counted(ports(30)), { 3: 10, 4: 10, 5: 10 });
  assertEquals(group.panic, false);
  fail(endpoints[2]!);
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
  const { group, endpoints, ports, fail } = groupOf(4);
  for (const endpoint of endpoints.slice(0, 3)) fail(endpoint);
  ports(1);
  assertEquals(group.panic, true);
  for (const endpoint of endpoints.slice(0, 2)) endpoint.health.readmitted(10);
  group.invalidate();
  ports(1, 10);
  assertEquals(group.panic, false);
});

Deno.test("group, one that only the cap on ejections keeps in does not count as well", () => {
  const strict = { ...outlier, maxEjectedShare: 0.25 };
  const { group, endpoints, ports, fail } = groupOf(4, { outlier: strict });
  for (const endpoint of endpoints.slice(0, 3)) fail(endpoint);
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
  const { group, endpoints, at } = groupOf(3);
  for (let round = 0; round < 20; round++) {
    const tried = [endpoints[round % 3]!];
    const second = group.pick(at(0), tried)!;
    assert(!tried.includes(second));
    const third = group.pick(at(0), [...tried, second])!;
    assert(third !== second && !tried.includes(third));
    assertEquals(group.pick(at(0), endpoints), undefined);
  }
});
