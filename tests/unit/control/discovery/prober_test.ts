/** Active probes of endpoints that were passed over. */
import { assertEquals } from "@test/assert";
import {
  EndpointProber,
  type ProberOptions,
  type ProbeVerdict,
} from "../../../../lib/control/discovery/prober.ts";
import { FakeClock, settle } from "../../../support/fake_clock.ts";
import { RecordingLogger } from "../../../support/registry_fakes.ts";

function setUp(more: Partial<ProberOptions> = {}) {
  const clock = new FakeClock({ nowMs: 0 });
  const probes: number[] = [];
  const verdicts: ProbeVerdict[] = [];
  const alive = new Set<string>();
  const prober = new EndpointProber({
    probe: (host) => {
      probes.push(clock.now());
      return Promise.resolve(alive.has(host));
    },
    clock,
    random: () => 0.5,
    logger: new RecordingLogger(),
    onVerdict: (verdict) => verdicts.push(verdict),
    ...more,
  });
  return { clock, probes, verdicts, alive, prober };
}

const target = { host: "10.0.0.1", port: 80 };

Deno.test("endpoint prober, probes ever more slowly until the endpoint answers", async () => {
  const { clock, probes, verdicts, alive, prober } = setUp();
  prober.suspect("Account", target);
  await clock.advance(20_000);
  assertEquals(probes, [250, 750, 1_750, 3_750, 7_750, 12_750, 17_750]);
  assertEquals(verdicts.every((verdict) => !verdict.healthy), true);
  alive.add("10.0.0.1");
  await clock.advance(5_000);
  assertEquals(verdicts.at(-1), { service: "Account", ...target, healthy: true });
  assertEquals(prober.size, 0);
  assertEquals(clock.sleeping, 0);
});

Deno.test("endpoint prober, waits are spread so that a fleet does not probe in step", async () => {
  for (const [draw, atMs] of [[0, 200], [0.75, 275]] as const) {
    const { clock, probes, prober } = setUp({ random: () => draw });
    prober.suspect("Account", target);
    await clock.advance(300);
    assertEquals(probes.map(Math.round), [atMs]);
    await prober.stop();
  }
});

Deno.test("endpoint prober, one address is probed once for all services that ask, and all are told", async () => {
  const { clock, probes, verdicts, alive, prober } = setUp();
  alive.add("10.0.0.1");
  prober.suspect("Account", target);
  prober.suspect("Account", target);
  prober.suspect("Cart", target);
  await clock.advance(250);
  assertEquals(probes.length, 1);
  assertEquals(verdicts.map((verdict) => verdict.service), ["Account", "Cart"]);
});

Deno.test("endpoint prober, a doubt raised by the good news itself begins anew", async () => {
  const { clock, probes, alive, prober } = setUp({
    onVerdict: () => void prober.suspect("Account", target),
  });
  alive.add("10.0.0.1");
  prober.suspect("Account", target);
  await clock.advance(250);
  assertEquals(prober.size, 1);
  await clock.advance(250);
  assertEquals(probes.length, 2);
  await prober.stop();
});

Deno.test("endpoint prober, ends when no service has the endpoint any more", async () => {
  const { clock, probes, prober } = setUp();
  prober.suspect("Account", target);
  prober.suspect("Cart", target);
  prober.keepOnly("Account", [{ host: "10.0.0.2", port: 80 }]);
  await clock.advance(250);
  assertEquals(probes.length, 1);
  prober.keepOnly("Cart", []);
  await settle();
  assertEquals(prober.size, 0);
  assertEquals(clock.sleeping, 0);
});

Deno.test("endpoint prober, gives up after ten minutes", async () => {
  const { clock, prober } = setUp();
  prober.suspect("Account", target);
  await clock.advance(590_000);
  assertEquals(prober.size, 1);
  await clock.advance(15_000);
  assertEquals(prober.size, 0);
});

Deno.test("endpoint prober, the number of addresses is bounded and stopping ends them all", async () => {
  const { clock, prober } = setUp({ maxAddresses: 3 });
  for (let i = 0; i < 10; i++) prober.suspect("Account", { host: `10.0.0.${i}`, port: 80 });
  assertEquals(prober.size, 3);
  await prober.stop();
  assertEquals(prober.size, 0);
  assertEquals(clock.sleeping, 0);
  prober.suspect("Account", target);
  assertEquals(prober.size, 0);
});
