/** The health poller: rhythm, time limits and what it tells, on a clock that the test moves. */
import { assert, assertEquals } from "@test/assert";
import { type HealthPolicy, HealthPoller } from "../../../../lib/control/health/poller.ts";
import type { CheckOutcome, CheckSpec } from "../../../../lib/core/check.ts";
import type { Logger } from "../../../../lib/core/ports.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

const silent: Logger = { error() {}, warn() {}, info() {}, debug() {} };
const tcp: CheckSpec = { type: "tcp", port: 8080 };
const http: CheckSpec = { type: "http", port: 8080, path: "/ok", statusMin: 200, statusMax: 299 };
const pass: CheckOutcome = { ok: true, detail: "connected" };
const fail: CheckOutcome = { ok: false, detail: "connection refused" };

/** A poller whose checks answer what `answer` says, with a record of calls and of changes. */
function setUp(
  answer: (spec: CheckSpec) => Promise<CheckOutcome> | CheckOutcome,
  options: { checks?: readonly CheckSpec[]; policy?: Partial<HealthPolicy>; random?: number } = {},
) {
  const clock = new FakeClock();
  const startMs = clock.now();
  const calls: number[] = [];
  const changes: string[] = [];
  const poller = new HealthPoller({
    checks: options.checks ?? [tcp],
    policy: options.policy ?? {},
    changed: (now, before) => changes.push(`${before} > ${now.verdict}`),
  }, {
    clock,
    // One half means no jitter to either side, and half of the first wait.
    random: () => options.random ?? 0.5,
    runCheck: async (spec) => {
      calls.push(clock.now() - startMs);
      return await answer(spec);
    },
    logger: silent,
  });
  return { clock, calls, changes, poller };
}

Deno.test("health poller, a quick application is up after two passes 250 ms apart", async () => {
  const { clock, calls, changes, poller } = setUp(() => pass);
  poller.start();
  await clock.advance(374);
  assertEquals(poller.verdict, "unknown");
  await clock.advance(1);
  assertEquals(calls, [125, 375]);
  assertEquals(changes, ["unknown > up"]);
  await poller.close();
  assertEquals(clock.sleeping, 0);
});

Deno.test("health poller, once up it checks every two seconds", async () => {
  const { clock, calls, poller } = setUp(() => pass);
  poller.start();
  await clock.advance(6_500);
  assertEquals(calls, [125, 375, 2375, 4375, 6375]);
  await poller.close();
});

Deno.test("health poller, an application that does not come up is asked slowly after 30 s", async () => {
  const { clock, calls, changes, poller } = setUp(() => fail);
  poller.start();
  await clock.advance(60_000);
  const early = calls.filter((at) => at < 30_000).length;
  const late = calls.filter((at) => at >= 32_000).length;
  assertEquals(early, 120);
  assertEquals(late, 14);
  assertEquals(changes, ["unknown > down"]);
  await poller.close();
});

Deno.test("health poller, after it was up once a failing application is not asked faster", async () => {
  let outcome = pass;
  const { clock, calls, changes, poller } = setUp(() => outcome);
  poller.start();
  await clock.advance(400);
  outcome = fail;
  await clock.advance(8_000);
  assertEquals(calls, [125, 375, 2375, 4375, 6375, 8375]);
  assertEquals(changes, ["unknown > up", "up > down"]);
  await poller.close();
});

Deno.test("health poller, the wait before the first round and between rounds is jittered", async () => {
  const early = setUp(() => pass, { random: 0 });
  const late = setUp(() => pass, { random: 0.999 });
  for (const { poller, clock } of [early, late]) {
    poller.start();
    await clock.advance(2_800);
    await poller.close();
  }
  assertEquals(early.calls, [0, 225, 2025]);
  assert(late.calls[0]! > 249 && late.calls[2]! > 2_700, late.calls.join());
});

Deno.test("health poller, without checks it is up as soon as it starts and asks nothing", async () => {
  const { clock, calls, changes, poller } = setUp(() => fail, { checks: [] });
  poller.start();
  assertEquals(changes, ["unknown > up"]);
  await clock.advance(10_000);
  assertEquals(calls, []);
  await poller.close();
});

Deno.test("health poller, a check that never comes back fails and is not started again", async () => {
  const { clock, calls, changes, poller } = setUp(() => new Promise<CheckOutcome>(() => {}));
  poller.start();
  await clock.advance(10_000);
  assertEquals(calls.length, 1);
  assertEquals(changes, ["unknown > down"]);
  assertEquals(poller.snapshot().checks[0]!.reason, "no result within 1s");
  await poller.close();
  assertEquals(clock.sleeping, 0);
});

Deno.test("health poller, a slow check delays the next round and rounds never overlap", async () => {
  let open = 0;
  let mostOpen = 0;
  const { clock, calls, changes, poller } = setUp(async () => {
    mostOpen = Math.max(mostOpen, ++open);
    await clock.sleep(900);
    open--;
    return pass;
  });
  poller.start();
  await clock.advance(2_000);
  assertEquals(calls, [125, 1025]);
  assertEquals(changes, ["unknown > up"]);
  assertEquals(mostOpen, 1);
  await poller.close();
  await clock.advance(5_000);
});

Deno.test("health poller, a runner that throws counts as a failed check with its message", async () => {
  const { clock, poller } = setUp(() => {
    throw new Error("no such host");
  });
  poller.start();
  await clock.advance(200);
  assertEquals(poller.snapshot().checks[0]!.reason, "no such host");
  await poller.close();
});

Deno.test("health poller, the snapshot names every check with its last result", async () => {
  const { clock, poller } = setUp((spec) => spec.type === "tcp" ? pass : fail, {
    checks: [tcp, http],
  });
  poller.start();
  await clock.advance(700);
  assertEquals(poller.snapshot(), {
    verdict: "down",
    sinceMs: 1_700_000_000_625,
    checkedAtMs: 1_700_000_000_625,
    checks: [
      {
        check: "tcp 127.0.0.1:8080",
        verdict: "up",
        lastOk: true,
        reason: "connected",
        streak: 3,
      },
      {
        check: "http 127.0.0.1:8080/ok=200-299",
        verdict: "down",
        lastOk: false,
        reason: "connection refused",
        streak: 3,
      },
    ],
  });
  await poller.close();
});

Deno.test("health poller, a listener that throws does not end the rounds", async () => {
  const clock = new FakeClock();
  let rounds = 0;
  const poller = new HealthPoller({
    checks: [tcp],
    changed: () => {
      throw new Error("listener");
    },
  }, {
    clock,
    random: () => 0.5,
    runCheck: () => Promise.resolve(++rounds ? pass : fail),
    logger: silent,
  });
  poller.start();
  await clock.advance(5_000);
  assertEquals(rounds, 4);
  await poller.close();
});

Deno.test("health poller, nothing is told after it was closed in the middle of a round", async () => {
  const { clock, changes, poller } = setUp(async () => {
    await clock.sleep(100);
    return pass;
  });
  poller.start();
  await clock.advance(400);
  await poller.close();
  await clock.advance(5_000);
  assertEquals(changes, []);
});
