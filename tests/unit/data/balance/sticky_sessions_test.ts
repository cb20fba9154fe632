/** The table of sessions: bindings, their end, and its bound. */
import { assert, assertEquals } from "@test/assert";
import { StickySessions } from "../../../../lib/data/balance/sticky_sessions.ts";
import { seeded } from "../../../support/seeded.ts";

const rules = { idleMs: 30_000, failures: 3 };

Deno.test("sessions, an unused binding ends after its time, a used one does not", () => {
  const sessions = new StickySessions(rules);
  sessions.bind("used", "a", 0);
  sessions.bind("unused", "a", 0);
  for (let nowMs = 0; nowMs <= 90_000; nowMs += 10_000) sessions.touch("used", nowMs);
  assertEquals(sessions.find("used", 120_000), "a");
  assertEquals(sessions.find("used", 120_001), "");
  assertEquals(sessions.find("unused", 30_000), "a");
  assertEquals(sessions.find("unused", 30_001), "");
});

Deno.test("sessions, failures in a row end a binding and say whom to avoid", () => {
  const sessions = new StickySessions(rules);
  sessions.bind("s", "a", 0);
  sessions.settle("s", "a", { failed: true });
  sessions.settle("s", "a", { failed: true });
  assertEquals([sessions.find("s", 1), sessions.avoided("s", 1)], ["a", ""]);
  sessions.settle("s", "a", { failed: true });
  assertEquals([sessions.find("s", 1), sessions.avoided("s", 1)], ["", "a"]);
  sessions.bind("s", "b", 2);
  assertEquals([sessions.find("s", 3), sessions.avoided("s", 3)], ["b", ""]);
});

Deno.test("sessions, one good answer between failures starts the count again", () => {
  const sessions = new StickySessions(rules);
  sessions.bind("s", "a", 0);
  for (let call = 0; call < 20; call++) sessions.settle("s", "a", { failed: call % 3 !== 2 });
  assertEquals(sessions.find("s", 1), "a");
});

Deno.test("sessions, failures of another endpoint or of unknown sessions change nothing", () => {
  const sessions = new StickySessions(rules);
  sessions.bind("s", "a", 0);
  for (let call = 0; call < 10; call++) {
    sessions.settle("s", "b", { failed: true });
    sessions.settle("nobody", "a", { failed: true });
  }
  assertEquals(sessions.find("s", 1), "a");
  assertEquals(sessions.size, 1);
});

Deno.test("sessions, a full table drops what was unused for longest", () => {
  const sessions = new StickySessions(rules, { maxSessions: 100 });
  for (let number = 0; number < 100; number++) sessions.bind(`s${number}`, "a", number);
  sessions.touch("s0", 10_000);
  for (let number = 100; number < 150; number++) sessions.bind(`s${number}`, "a", 10_000);
  assertEquals(sessions.size, 100);
  assertEquals(sessions.find("s0", 10_001), "a");
  assertEquals(sessions.find("s1", 10_001), "");
  assertEquals(sessions.find("s149", 10_001), "a");
});

Deno.test("sessions, expired ones go as new ones come, without the table being full", () => {
  const sessions = new StickySessions(rules);
  for (let number = 0; number < 1_000; number++) sessions.bind(`old${number}`, "a", 0);
  for (let number = 0; number < 1_000; number++) sessions.bind(`new${number}`, "a", 60_000);
  assertEquals(sessions.size, 1_000);
});

Deno.test("sessions, never more than the bound, and never one past its time", () => {
  const random = seeded(2);
  const sessions = new StickySessions(rules, { maxSessions: 50 });
  const usedAt = new Map<string, number>();
  let nowMs = 0;
  for (let step = 0; step < 20_000; step++) {
    nowMs += random() * 600;
    const id = `s${random.below(120)}`;
    const found = sessions.find(id, nowMs);
    if (found !== "") {
      assert(nowMs - usedAt.get(id)! <= rules.idleMs);
      sessions.touch(id, nowMs);
    } else {
      sessions.bind(id, "a", nowMs);
    }
    usedAt.set(id, nowMs);
    assert(sessions.size <= 50);
  }
});
