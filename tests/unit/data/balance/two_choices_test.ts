/** Least request and peak EWMA: which of two endpoints gets the call. */
import { assert, assertEquals } from "@test/assert";
import type { Balancer } from "../../../../lib/data/balance/balancer.ts";
import {
  type Candidate,
  observeAnswer,
  observeRefusal,
} from "../../../../lib/data/balance/candidate.ts";
import { LeastRequest } from "../../../../lib/data/balance/least_request.ts";
import { PeakEwma } from "../../../../lib/data/balance/peak_ewma.ts";
import { WarmUp } from "../../../../lib/data/balance/warm_up.ts";
import { candidate, candidatesOf, request, tally, weighted } from "../../../support/candidates.ts";

const decayMs = 10_000;
const leastRequest = () => new LeastRequest(new WarmUp(30_000));
const peakEwma = () => new PeakEwma(new WarmUp(30_000), decayMs);

/** At the time of `request`, so that nothing has decayed. */
function known(number: number, latencyMs: number, fields: Partial<Candidate> = {}): Candidate {
  return candidate(number, { latencyMs, latencyAtMs: 1_000, ...fields });
}

interface Case {
  readonly what: string;
  readonly make: () => Balancer;
  readonly list: readonly Candidate[];
  /** Which of the two gets every call; undefined: both get some. */
  readonly all: number | undefined;
}

const table: readonly Case[] = [
  {
    what: "least request, fewer calls under way win",
    make: leastRequest,
    list: [candidate(1, { open: 3 }), candidate(2, { open: 2 })],
    all: 1,
  },
  {
    what: "least request, equally many: either",
    make: leastRequest,
    list: [candidate(1, { open: 2 }), candidate(2, { open: 2 })],
    all: undefined,
  },
  {
    what: "least request, how fast they answer does not matter",
    make: leastRequest,
    list: [known(1, 5_000), known(2, 1)],
    all: undefined,
  },
  {
    what: "least request, an idle one that refuses does not beat a busy one",
    make: leastRequest,
    list: [candidate(1, { refusals: 1, refusedUntilMs: 2_000 }), candidate(2, { open: 3 })],
    all: 1,
  },
  {
    what: "least request, one that refused for longer comes after one that refused once",
    make: leastRequest,
    list: [
      candidate(1, { refusals: 3, refusedUntilMs: 2_000 }),
      candidate(2, { refusals: 1, refusedUntilMs: 9_000 }),
    ],
    all: 1,
  },
  {
    what: "least request, its time over, a refuser that is being tried gets no second call",
    make: leastRequest,
    list: [candidate(1, { refusals: 1, refusedUntilMs: 900, open: 1 }), candidate(2, { open: 3 })],
    all: 1,
  },
  {
    what: "peak EWMA, the faster one wins",
    make: peakEwma,
    list: [known(1, 20), known(2, 10)],
    all: 1,
  },
  {
    what: "peak EWMA, the faster one loses when more wait there",
    make: peakEwma,
    list: [known(1, 20), known(2, 10, { open: 2 })],
    all: 0,
  },
  {
    what: "peak EWMA, one without an answer counts as being as fast as its rival",
    make: peakEwma,
    list: [known(1, 2, { open: 1 }), candidate(2)],
    all: 1,
  },
  {
    what: "peak EWMA, many calls without an answer yet do not draw more",
    make: peakEwma,
    list: [known(1, 2, { open: 1 }), candidate(2, { open: 5 })],
    all: 0,
  },
  {
    what: "peak EWMA, none has answered yet: either",
    make: peakEwma,
    list: candidatesOf(2),
    all: undefined,
  },
  {
    what: "peak EWMA, a slow answer long ago is forgiven",
    make: peakEwma,
    list: [known(1, 20), candidate(2, { latencyMs: 1_000, latencyAtMs: -60_000 })],
    all: 1,
  },
  {
    what: "peak EWMA, a refuser is passed over, however fast it is",
    make: peakEwma,
    list: [known(1, 1, { refusals: 2, refusedUntilMs: 2_000 }), known(2, 10)],
    all: 1,
  },
  {
    what: "peak EWMA, one that failed once is still better than one that is ten times as slow",
    make: peakEwma,
    list: [known(1, 10, { refusals: 1, refusedUntilMs: 2_000 }), known(2, 100)],
    all: 0,
  },
];

for (const { what, make, list, all } of table) {
  Deno.test(what, () => {
    const balancer = make();
    const at = request(8);
    const counts = tally(2, Array.from({ length: 400 }, () => balancer.pick(list, at)));
    if (all === undefined) assert(Math.min(...counts) > 120, `${counts}`);
    else assertEquals(counts[all], 400);
  });
}

Deno.test("two choices, the worst of a hundred is never taken and the best about twice as often", () => {
  const list = candidatesOf(100).map((one, index) => ({ ...one, open: index }));
  const balancer = leastRequest();
  const at = request(9);
  const counts = tally(100, Array.from({ length: 50_000 }, () => balancer.pick(list, at)));
  assertEquals(counts[99], 0);
  assert(Math.abs(counts[0]! - 1_000) < 150, `${counts[0]}`);
});

for (const [name, make] of [["least request", leastRequest], ["peak EWMA", peakEwma]] as const) {
  Deno.test(`${name}, calls that never end share out by weight`, () => {
    const list = weighted([1, 2, 5]);
    const balancer = make();
    const at = request(10);
    for (let call = 0; call < 800; call++) list[balancer.pick(list, at)]!.open++;
    const counts = list.map((one) => one.open);
    for (const [index, share] of [100, 200, 500].entries()) {
      assert(Math.abs(counts[index]! - share) <= share * 0.1, `${counts}`);
    }
  });

  Deno.test(`${name}, an endpoint that refuses at once gets next to nothing`, () => {
    const list = candidatesOf(10);
    const balancer = make();
    const random = request(11).random;
    let refused = 0;
    for (let call = 0; call < 10_000; call++) {
      const nowMs = call * 10;
      const index = balancer.pick(list, { nowMs, random, hash: -1, stickyId: "" });
      if (index === 4) {
        refused++;
        observeRefusal(list[4]!, 0.1, { nowMs, decayMs, retryAfterMs: 0 });
      } else {
        observeAnswer(list[index]!, 5 + random() * 5, { nowMs, decayMs });
      }
    }
    // A hundred seconds at a hundred a second: a fair share would be a thousand.
    assert(refused >= 2 && refused <= 8, `${refused}`);
  });

  Deno.test(`${name}, an endpoint that has come back gets its share again`, () => {
    const list = candidatesOf(5);
    const balancer = make();
    const random = request(12).random;
    const recent = Array<number>(5).fill(0);
    for (let call = 0; call < 20_000; call++) {
      const nowMs = call * 10;
      const index = balancer.pick(list, { nowMs, random, hash: -1, stickyId: "" });
      if (index === 2 && nowMs < 20_000) {
        observeRefusal(list[2]!, 0.1, { nowMs, decayMs, retryAfterMs: 0 });
      } else {
        observeAnswer(list[index]!, 5 + random() * 5, { nowMs, decayMs });
      }
      if (nowMs >= 100_000) recent[index]!++;
    }
    assert(recent[2]! > 1_700, `${recent}`);
  });
}
