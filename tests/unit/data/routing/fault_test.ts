/** Injected faults: how often, and what cannot be injected. */
import { assert, assertEquals } from "@test/assert";
import type { FaultPolicy } from "../../../../lib/core/traffic.ts";
import { checkFault, decideFault } from "../../../../lib/data/routing/fault.ts";
import { noRandom } from "./facts_support.ts";

const both: FaultPolicy = {
  delay: { ms: 20, share: 0.5 },
  abort: { status: 503, share: 0.25 },
};

const table: readonly (readonly [
  policy: FaultPolicy,
  draws: readonly number[],
  decision: ReturnType<typeof decideFault>,
])[] = [
  [both, [0.49, 0.24], { delayMs: 20, abortStatus: 503 }],
  [both, [0.49, 0.25], { delayMs: 20, abortStatus: 0 }],
  [both, [0.5, 0.24], { delayMs: 0, abortStatus: 503 }],
  [both, [0.5, 0.25], undefined],
  [{ delay: { ms: 5, share: 1 } }, [0.999], { delayMs: 5, abortStatus: 0 }],
  [{ delay: { ms: 5, share: 0 } }, [0], undefined],
  [{ delay: { ms: 0, share: 1 } }, [0], undefined],
  [{ abort: { status: 421, share: 1 } }, [0.999], { delayMs: 0, abortStatus: 421 }],
  [{}, [], undefined],
];

for (const [policy, draws, decision] of table) {
  Deno.test(`fault, ${JSON.stringify(policy)} with the lots ${draws} is ${JSON.stringify(decision)}`, () => {
    let drawn = 0;
    assertEquals(decideFault(policy, () => draws[drawn++]!), decision);
    assertEquals(drawn, draws.length);
  });
}

Deno.test("fault, no policy draws no lots", () => {
  assertEquals(decideFault(undefined, noRandom), undefined);
});

const wrong: readonly (readonly [policy: FaultPolicy, message: RegExp])[] = [
  [{ delay: { ms: -1, share: 1 } }, /the delay is -1/],
  [{ delay: { ms: Infinity, share: 1 } }, /the delay is Infinity/],
  [{ delay: { ms: 1, share: 1.1 } }, /share of delays is 1\.1/],
  [{ abort: { status: 503, share: -1 } }, /share of aborts is -1/],
  [{ abort: { status: 100, share: 1 } }, /status of aborts is 100/],
  [{ abort: { status: 600, share: 1 } }, /status of aborts is 600/],
  [{ abort: { status: 503.5, share: 1 } }, /status of aborts is 503\.5/],
];

for (const [policy, message] of wrong) {
  Deno.test(`fault, refuses ${JSON.stringify(policy)}`, () => {
    assert.throws(() => checkFault(policy), message);
  });
}
