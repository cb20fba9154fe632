/** The loop that keeps the own instance registered. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { OwnRegistration } from "../../../../lib/control/registry/registration.ts";
import {
  type Lease,
  type Registrar,
  type Registration,
  RegistryError,
} from "../../../../lib/control/registry/registry.ts";
import type { InstanceStatus } from "../../../../lib/core/types.ts";
import { FakeClock, settle } from "../../../support/fake_clock.ts";
import { RecordingLogger } from "../../../support/registry_fakes.ts";

/** Remembers every call with its time; fails where it is told to. */
class FakeRegistrar implements Registrar {
  readonly calls: string[] = [];
  readonly ids = new Set<string | undefined>();
  readonly failures = new Map<string, Error>();
  gate: Promise<void> | undefined;
  lost: () => void = () => {};
  constructor(readonly clock: FakeClock) {}

  async register(registration: Registration, _signal: AbortSignal): Promise<Lease> {
    this.ids.add(registration.instanceId);
    await this.#call("register", registration.status);
    return { serviceId: "s1", instanceId: registration.instanceId! };
  }
  heartbeat(): Promise<void> {
    return this.#call("heartbeat");
  }
  setStatus(_lease: Lease, status: InstanceStatus): Promise<void> {
    return this.#call("status", status);
  }
  deregister(): Promise<void> {
    return this.#call("deregister");
  }
  whenLost(listener: () => void): void {
    this.lost = listener;
  }
  async #call(what: string, detail = ""): Promise<void> {
    this.calls.push(`${this.clock.now()} ${what} ${detail}`.trimEnd());
    await this.gate;
    const failure = this.failures.get(what);
    if (failure) throw failure;
  }
}

function setUp(random = () => 0) {
  const clock = new FakeClock({ nowMs: 0 });
  const registrar = new FakeRegistrar(clock);
  const logger = new RecordingLogger();
  const own = new OwnRegistration({
    registrar,
    registration: {
      key: { app: "default", name: "Account", version: "1.0.0", environment: "" },
      hostName: "vm1",
      endpoints: ["rest://10.0.0.7:30103"],
      ports: [],
      properties: {},
      lease: { intervalMs: 30_000, times: 3 },
    },
    clock,
    random,
    logger,
  });
  return { clock, registrar, logger, own };
}

const down = new RegistryError("unreachable", "connection refused");
const lost = new RegistryError("lease_lost", "400017");

Deno.test("own registration, nothing happens before the first passing check", async () => {
  const { clock, registrar, own } = setUp();
  own.report("DOWN");
  await clock.advance(60_000);
  assertEquals(registrar.calls, []);
  assertEquals(own.state, { state: "waiting" });
  own.report("UP");
  await settle();
  assertEquals(registrar.calls, ["60000 register UP"]);
  assertEquals(own.state.state, "registered");
  assertEquals(own.state.lastHeartbeatAtMs, 60_000);
  await own.stop();
  assertEquals(clock.sleeping, 0);
});

Deno.test("own registration, the first heartbeat comes anywhere in the interval, the others after nine to ten tenths of it", async () => {
  for (
    const [draw, firstMs, gapMs] of [
      [0, 27_000, 27_000],
      [0.5, 15_000, 28_500],
      [0.999, 3_024, 29_997],
    ] as const
  ) {
    const { clock, registrar, own } = setUp(() => draw);
    own.report("UP");
    await clock.advance(60_000);
    assertEquals(registrar.calls.slice(1, 3), [
      `${firstMs} heartbeat`,
      `${firstMs + gapMs} heartbeat`,
    ]);
    await own.stop();
  }
});

Deno.test("own registration, a registry that is down is asked again ever more slowly, up to a minute", async () => {
  const { clock, registrar, logger, own } = setUp(() => 0);
  registrar.failures.set("register", down);
  own.report("UP");
  await clock.advance(200_000);
  const times = registrar.calls.map((call) => Number(call.split(" ")[0]));
  const gaps = times.slice(1).map((time, i) => time - times[i]!);
  assertEquals(gaps, [
    500,
    1_000,
    2_000,
    4_000,
    8_000,
    16_000,
    30_000,
    30_000,
    30_000,
    30_000,
    30_000,
  ]);
  assertEquals(own.state.state, "registering");
  assertEquals(own.state.lastError, "connection refused");
  assertEquals(logger.of("warn").length, 1);
  registrar.failures.clear();
  await clock.advance(60_000);
  assertEquals(own.state.state, "registered");
  assertEquals(own.state.lastError, undefined);
  await own.stop();
});

Deno.test("own registration, what was refused is not repeated quickly", async () => {
  const { clock, registrar, own } = setUp(() => 0);
  registrar.failures.set("register", new RegistryError("refused", "400001"));
  own.report("UP");
  await clock.advance(61_000);
  assertEquals(registrar.calls, ["0 register UP", "30000 register UP", "60000 register UP"]);
  await own.stop();
});

Deno.test("own registration, a lost lease is registered again at once, with the same id and the true status", async () => {
  const { clock, registrar, own } = setUp(() => 0.5);
  own.report("UP");
  await settle();
  own.report("DOWN");
  await settle();
  registrar.failures.set("heartbeat", lost);
  await clock.advance(15_000);
  assertEquals(own.state.state, "lost");
  await clock.advance(500);
  assertEquals(registrar.calls, [
    "0 register UP",
    "0 status DOWN",
    "15000 heartbeat",
    "15500 register DOWN",
  ]);
  assertEquals(registrar.ids.size, 1);
  assertMatch([...registrar.ids][0]!, /^[0-9a-f]{32}$/);
  assertEquals(own.state.state, "registered");
  await own.stop();
});

Deno.test("own registration, news that the service is gone does not wait for the heartbeat", async () => {
  const { clock, registrar, own } = setUp(() => 0.5);
  own.report("UP");
  await clock.advance(5_000);
  registrar.lost();
  await clock.advance(500);
  assertEquals(registrar.calls, ["0 register UP", "5500 register UP"]);
  await own.stop();
});

for (
  const [what, disturbedAtMs, againMs] of [
    ["after a silence of the registry that others noticed", 5_000, 9_000],
    ["long after a silence", -60_000, 500],
    ["without any silence", undefined, 500],
  ] as const
) {
  Deno.test(`own registration, a lease lost ${what} is back within ${againMs * 2} ms`, async () => {
    const { clock, registrar, own } = setUp(() => 0.5);
    Object.assign(registrar, { disturbedAtMs: () => disturbedAtMs });
    own.report("UP");
    await clock.advance(5_000);
    registrar.lost();
    await clock.advance(againMs - 1);
    assertEquals(registrar.calls.length, 1);
    await clock.advance(1);
    assertEquals(registrar.calls[1], `${5_000 + againMs} register UP`);
    await own.stop();
  });
}

Deno.test("own registration, a lease lost after own heartbeats got no answer is spread as well", async () => {
  const { clock, registrar, own } = setUp(() => 0.5);
  own.report("UP");
  registrar.failures.set("heartbeat", down);
  await clock.advance(15_000);
  registrar.failures.set("heartbeat", lost);
  await clock.advance(1_000);
  assertEquals(own.state.state, "lost");
  await clock.advance(8_000);
  assertEquals(own.state.state, "lost");
  await clock.advance(1_000);
  assertEquals(own.state.state, "registered");
  await own.stop();
});

Deno.test("own registration, a heartbeat that fails is repeated sooner and the lease is kept", async () => {
  const { clock, registrar, logger, own } = setUp(() => 0);
  own.report("UP");
  await settle();
  registrar.failures.set("heartbeat", down);
  await clock.advance(27_000 + 3_500);
  assertEquals(registrar.calls.slice(1), [
    "27000 heartbeat",
    "27500 heartbeat",
    "28500 heartbeat",
    "30500 heartbeat",
  ]);
  assertEquals(own.state.state, "registered");
  assertEquals(own.state.lastError, "connection refused");
  assertEquals(logger.of("warn").length, 1);
  registrar.failures.clear();
  await clock.advance(4_000);
  assertEquals(own.state.lastError, undefined);
  await own.stop();
});

Deno.test("own registration, status changes are joined and repeated until they arrive", async () => {
  const { clock, registrar, own } = setUp(() => 0);
  own.report("UP");
  await settle();
  own.report("DOWN");
  own.report("UP");
  await settle();
  assertEquals(registrar.calls, ["0 register UP"]);
  registrar.failures.set("status", down);
  own.report("DOWN");
  await clock.advance(600);
  registrar.failures.clear();
  await clock.advance(5_000);
  assertEquals(registrar.calls.slice(1), ["0 status DOWN", "500 status DOWN", "1500 status DOWN"]);
  assertEquals(own.state.status, "DOWN");
  await own.stop();
});

Deno.test("own registration, stopping deregisters and ends every timer", async () => {
  const { clock, registrar, own } = setUp();
  own.report("UP");
  await settle();
  await own.stop();
  assertEquals(registrar.calls.at(-1), "0 deregister");
  assertEquals(own.state, { state: "stopped" });
  assertEquals(clock.sleeping, 0);
  own.report("DOWN");
  await clock.advance(60_000);
  assertEquals(registrar.calls.length, 2);
});

Deno.test("own registration, stopping before anything began touches no registry", async () => {
  const { registrar, own } = setUp();
  await own.stop();
  assertEquals(registrar.calls, []);
  assertEquals(own.state.state, "stopped");
});

Deno.test("own registration, a registration under way is waited for and then taken back", async () => {
  const { registrar, own } = setUp();
  const gate = Promise.withResolvers<void>();
  registrar.gate = gate.promise;
  own.report("UP");
  await settle();
  const stopped = own.stop();
  await settle();
  gate.resolve();
  await stopped;
  assertEquals(registrar.calls, ["0 register UP", "0 deregister"]);
});

Deno.test("own registration, a registry that hangs holds up the end for a bounded time only", async () => {
  const { clock, registrar, logger, own } = setUp();
  own.report("UP");
  await settle();
  registrar.gate = new Promise(() => {});
  let ended = false;
  const stopped = own.stop().then(() => ended = true);
  await clock.advance(2_999);
  assert(!ended);
  await clock.advance(1);
  await stopped;
  assertEquals(own.state.state, "stopped");
  assertMatch(own.state.lastError ?? "", /no answer within 3000 ms/);
  assertEquals(logger.of("warn").length, 1);
});
