/** The gate of a cluster and its circuit breaker: what opens it, who tries, and what is said of it beforehand. */
import { assert, assertEquals } from "@test/assert";
import { MeshError } from "../../../../lib/core/errors.ts";
import type { Ending } from "../../../../lib/data/cluster/gate.ts";
import { breaker, concurrency, gateWith, refusal, waitAt } from "../../../support/gate.ts";

const endings: readonly { readonly ending: Ending; readonly opens: boolean }[] = [
  { ending: "ok", opens: false },
  { ending: "error", opens: true },
  { ending: "failed", opens: true },
  { ending: "abandoned", opens: false },
];

for (const { ending, opens } of endings) {
  Deno.test(`gate, calls that end as "${ending}" ${opens ? "open" : "leave"} the circuit`, () => {
    const { gate, gauge } = gateWith({ breaker, concurrency: concurrency(0) });
    for (let call = 0; call < 8 && gate.describe().circuit === "closed"; call++) {
      const ticket = gate.admit();
      assert(gate.tryEnter());
      gate.leave(ticket, ending, 5);
    }
    gate.publish();
    assertEquals([gate.describe().circuit, gauge("breaker")], opens ? ["open", 1] : ["closed", 0]);
    assertEquals(gate.open, 0);
  });
}

Deno.test("gate, an open circuit refuses with the time to come back, and one call tries", async () => {
  const { gate, clock } = gateWith({ breaker, concurrency: concurrency(1, 1) });
  for (let call = 0; call < 4; call++) {
    const ticket = gate.admit();
    gate.tryEnter();
    gate.leave(ticket, "failed", 5);
  }
  const error = await refusal(Promise.resolve().then(() => void gate.admit()));
  assertEquals([error.code, error.status, error.retryAfterMs], ["circuit_open", 503, 1000]);
  await clock.advance(1000);
  const trial = gate.admit();
  assertEquals(gate.describe().circuit, "trying");
  assertEquals((await refusal(Promise.resolve().then(() => void gate.admit()))).code, error.code);
  gate.tryEnter();
  gate.leave(trial, "ok", 5);
  assertEquals(gate.describe(), { circuit: "closed", open: 0, limit: 1 });
});

for (const how of ["full", "left", "late"] as const) {
  Deno.test(`gate, a trial that never got in (${how}) leaves the trial to the next one`, async () => {
    const { gate, clock } = gateWith({
      breaker,
      concurrency: concurrency(1, how === "full" ? 0 : 1),
    });
    const stays = gate.admit();
    for (let call = 0; call < 4; call++) {
      const ticket = gate.admit();
      gate.tryEnter();
      gate.leave(ticket, "failed", 5);
    }
    gate.tryEnter();
    await clock.advance(1000);
    const trial = waitAt(gate);
    assertEquals(gate.describe().circuit, "trying");
    if (how === "left") trial.leave();
    await clock.advance(how === "late" ? 100 : 0);
    assert(trial.outcome !== "" && trial.outcome !== "in", trial.outcome);
    assertEquals(gate.describe().circuit, "open");
    assert(gate.admit() > 0);
    gate.leave(stays, "ok", 1);
  });
}

Deno.test("gate, an outlook says what would become of a request, and changes nothing", async () => {
  const { gate, clock } = gateWith({ breaker, concurrency: concurrency(1, 1) });
  const outlook = () => {
    const found = gate.outlook();
    assertEquals(gate.outlook(), found);
    return found instanceof MeshError ? found.code : found;
  };
  assertEquals(outlook(), "in");
  const ticket = gate.admit();
  gate.tryEnter();
  assertEquals(outlook(), "line");
  const waiting = waitAt(gate);
  assertEquals([outlook(), gate.open], ["concurrency_limit", 1]);
  // The oldest has waited so long that it gives its place to a newer one.
  await clock.advance(50);
  assertEquals(outlook(), "line");
  await clock.advance(50);
  assertEquals(waiting.outcome, "concurrency_limit");
  gate.leave(ticket, "failed", 1);
  for (let call = 0; call < 3; call++) {
    const ticket = gate.admit();
    gate.tryEnter();
    gate.leave(ticket, "failed", 1);
  }
  assertEquals(outlook(), "circuit_open");
  await clock.advance(1000);
  // The next one is the trial; the one behind it is not let in.
  assertEquals([outlook(), outlook()], ["in", "in"]);
  gate.admit();
  assertEquals(outlook(), "circuit_open");
  gate.setPolicy({ breaker: { ...breaker, force: "closed" }, concurrency: concurrency(0) });
  assertEquals(outlook(), "in");
  gate.setPolicy({ breaker: { ...breaker, force: "open" }, concurrency: concurrency(0) });
  assertEquals(outlook(), "circuit_open");
});
