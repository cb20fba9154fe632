/** Balancing by who asks: sessions by cookie, and consistent hashing. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import type { TrafficKey } from "../../lib/core/traffic.ts";
import { ask, deadPort } from "../support/ask.ts";
import { Instances } from "../support/instance.ts";
import { volley } from "../support/load.ts";
import { onBothNets, startPlane } from "../support/plane.ts";

const cookieForm =
  /^Set-Cookie: (go-chassisLB=[A-Za-z0-9_=-]+); Path=\/; HttpOnly; SameSite=Lax\r$/m;

onBothNets(
  "sticky, a session's cookie keeps it at one instance, others have their own",
  async (net) => {
    await using instances = await Instances.start("one", "two", "three");
    await using plane = await startPlane({
      net,
      services: { Svc: instances.ports },
      policy: { calls: { balance: { kind: "sticky" } } },
    });
    const used = new Set<string>();
    // Where a session goes is drawn: after a hundred it is as good as sure that each instance has had one.
    for (let session = 0; session < 100 && (session < 12 || used.size < 3); session++) {
      const first = await ask(plane, "Svc");
      const cookie = cookieForm.exec(first.head)?.[1];
      assert(cookie !== undefined, first.head);
      used.add(first.body);
      for (let index = 0; index < 5; index++) {
        const again = await ask(plane, "Svc", { fields: [`Cookie: a=b; ${cookie}`] });
        assertEquals(again.body, first.body);
        assert(!/set-cookie/i.test(again.head), "a session got another cookie");
      }
    }
    assertEquals(used.size, 3);
    await plane.quiet();
  },
);

onBothNets(
  "sticky, a session stays while others join, and moves when its instance goes",
  async (net) => {
    await using instances = await Instances.start("one", "two", "three", "four");
    const [, , , newcomer] = instances.all;
    const before = instances.all.slice(0, 3);
    await using plane = await startPlane({
      net,
      services: { Svc: before.map(({ port }) => port) },
      policy: { calls: { balance: { kind: "sticky" } } },
    });
    const sessions: { cookie: string; at: string }[] = [];
    for (let index = 0; index < 12; index++) {
      const { body, head } = await ask(plane, "Svc");
      sessions.push({ cookie: cookieForm.exec(head)![1]!, at: body });
    }
    await plane.publish("Svc", instances.ports);
    for (const { at, cookie } of sessions) {
      assertEquals((await ask(plane, "Svc", { fields: [`Cookie: ${cookie}`] })).body, at);
    }
    assertEquals(newcomer!.count, 0);
    const rest = instances.all.filter(({ name }) => name !== sessions[0]!.at);
    await plane.publish("Svc", rest.map(({ port }) => port));
    const moved = new Map<string, string>();
    for (const { at, cookie } of sessions) {
      const { body } = await ask(plane, "Svc", { fields: [`Cookie: ${cookie}`] });
      if (at === sessions[0]!.at) {
        assert(body !== at);
        moved.set(cookie, body);
      } else assertEquals(body, at);
    }
    for (const [cookie, at] of moved) {
      assertEquals((await ask(plane, "Svc", { fields: [`Cookie: ${cookie}`] })).body, at);
    }
    await plane.quiet();
  },
);

onBothNets(
  "sticky, failures in a row end a binding, and a refused port moves the session at once",
  async (net) => {
    await using instances = await Instances.start("one", "two");
    await using plane = await startPlane({
      net,
      services: { Svc: instances.ports },
      policy: { calls: { balance: { kind: "sticky", stickyFailures: 3 } } },
    });
    const first = await ask(plane, "Svc");
    const cookie = `Cookie: ${cookieForm.exec(first.head)![1]}`;
    const own = instances.all.find(({ name }) => name === first.body)!;
    const other = instances.all.find(({ name }) => name !== first.body)!;
    own.status = "503 Service Unavailable";
    const statuses = [];
    for (let index = 0; index < 5; index++) {
      statuses.push((await ask(plane, "Svc", { fields: [cookie] })).status);
    }
    assertEquals(statuses, [503, 503, 503, 200, 200]);
    assertEquals(other.count, 2);
    own.status = "200 OK";
    await other.stop();
    assertEquals((await ask(plane, "Svc", { fields: [cookie] })).body, own.name);
    await plane.quiet();
  },
);

const keys: readonly { readonly key: TrafficKey; readonly field: (user: number) => string }[] = [
  { key: { kind: "header", name: "X-User" }, field: (user) => `x-user: user ${user}` },
  { key: { kind: "cookie", name: "uid" }, field: (user) => `Cookie: a=1; uid=${user}` },
];

for (const { field, key } of keys) {
  onBothNets(
    `consistent hash, by ${key.kind}: the same instance for the same user`,
    async (net) => {
      await using instances = await Instances.start("one", "two", "three");
      await using plane = await startPlane({
        net,
        services: { Svc: instances.ports },
        policy: { calls: { balance: { kind: "consistent_hash", hashOn: key } } },
      });
      const places = async () => {
        const found: string[] = [];
        for (let user = 0; user < 60; user++) {
          found.push((await ask(plane, "Svc", { fields: [field(user)] })).body);
        }
        return found;
      };
      const first = await places();
      assertEquals(new Set(first).size, 3);
      assertEquals(await places(), first);
      // One goes: only its users move.
      const [, ...rest] = instances.all;
      await plane.publish("Svc", rest.map(({ port }) => port));
      const then = await places();
      for (const [user, place] of first.entries()) {
        if (place !== "one") assertEquals(then[user], place);
      }
      // A user of one that refuses has another, the same one each time.
      await plane.publish("Svc", [deadPort(), ...rest.map(({ port }) => port)]);
      assert((await places()).every((place) => place !== "one"));
      // Without the key requests are balanced all the same.
      const keyless = await volley(plane.port(), { count: 60, request: { host: "Svc" } });
      assertEquals(new Set(keyless.map(({ body }) => body)).size, 2);
      await plane.quiet();
    },
  );
}

onBothNets(
  "sticky, cookies are not given to those whose service does not ask for it",
  async (net) => {
    await using instances = await Instances.start("one");
    await using plane = await startPlane({
      net,
      services: { Svc: instances.ports, Shop: instances.ports },
      policy: { services: { Shop: { balance: { kind: "sticky" } } } },
    });
    assert(!/set-cookie/i.test((await ask(plane, "Svc")).head));
    assertMatch((await ask(plane, "Shop")).head, cookieForm);
    await plane.quiet();
  },
);
