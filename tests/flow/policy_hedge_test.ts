/** Hedging: a request that takes unusually long is sent a second time, within the budget, and the first answer counts. */
import { assert, assertEquals } from "@test/assert";
import type { RetryPolicy } from "../../lib/core/traffic.ts";
import { blockBase, retryReasons, slot } from "../../lib/plane/counters.ts";
import { ask } from "../support/ask.ts";
import { statuses, volley } from "../support/load.ts";
import { onBothNetsAtOnce, type Plane, startPlane } from "../support/plane.ts";
import { answer, RawUpstream } from "../support/raw.ts";
import { longMs, soonMs, timed } from "../support/time_bounds.ts";

/** Enough answers for a percentile to be known. */
const enough = 140;

function hedges(plane: Plane): number {
  const at = blockBase(plane.block("Svc")) + slot.retry + retryReasons.indexOf("hedge");
  return plane.supervisor.counter(at);
}

interface Upstream {
  silent: boolean;
  /** Requests that came. */
  heads: number;
}

/** An upstream that answers at once until it is told to be silent. */
function upstreamOf(raw: RawUpstream, name: string): Upstream {
  const state = { silent: false, heads: 0 };
  raw.serve(async (peer) => {
    for (;;) {
      await peer.head();
      state.heads++;
      if (state.silent) return;
      peer.send(answer(name));
    }
  });
  return state;
}

const none = { budgetRatio: 0, budgetPerSecond: 0 };
const plenty = { budgetRatio: 0.2, budgetPerSecond: 1000 };

/** A service of two upstreams that both answer at once, and whose usual time for it is known. */
async function story(
  net: Plane["net"],
  retry: Partial<RetryPolicy>,
  run: (
    scene: { plane: Plane; first: Upstream; second: Upstream; heads: () => number },
  ) => Promise<void>,
): Promise<void> {
  await using one = await RawUpstream.listen();
  await using other = await RawUpstream.listen();
  const first = upstreamOf(one, "one"), second = upstreamOf(other, "other");
  await using plane = await startPlane({
    net,
    services: { Svc: [one.port, other.port] },
    // Nothing is hedged yet, however slow the machine is.
    policy: { retry: { hedge: true, ...none }, calls: { responseMs: longMs } },
  });
  const shots = await volley(plane.port(), { count: enough, request: { host: "Svc" } });
  assertEquals(statuses(shots), { 200: enough });
  await plane.setPolicy({ retry });
  await run({ plane, first, second, heads: () => first.heads + second.heads });
  await plane.quiet();
}

onBothNetsAtOnce(
  "hedge, a GET whose endpoint falls silent is answered by the other one",
  (net) =>
    story(
      net,
      plenty,
      async ({ first, plane, second }) => {
        first.silent = true;
        for (let index = 0; index < 6; index++) {
          const [{ body, status }, ms] = await timed(ask(plane, "Svc", {}));
          assertEquals([status, body], [200, "other"]);
          assert(ms < soonMs, "it waited for the silent endpoint");
        }
        assert(hedges(plane) >= 1, "nothing was hedged");
        assertEquals(plane.countFailures("Svc", "response_timeout"), 0);
        assert(second.heads > 0);
      },
    ),
);

/** What is answered by nobody and sent to one endpoint only. */
const unhedged: readonly {
  readonly title: string;
  readonly retry: Partial<RetryPolicy>;
  readonly method: string;
}[] = [
  { title: "a POST is never sent twice", retry: plenty, method: "POST" },
  {
    title: "the retry budget bounds it",
    retry: { maxAttempts: 1, ...none },
    method: "GET",
  },
];

for (const { method, retry, title } of unhedged) {
  onBothNetsAtOnce(
    `hedge, ${title}`,
    (net) =>
      story(net, retry, async (scene) => {
        const { first, heads, plane, second } = scene;
        await plane.setPolicy({ calls: { responseMs: 400 } });
        first.silent = second.silent = true;
        const before = heads();
        assertEquals((await ask(plane, "Svc", { method })).status, 504);
        await plane.until(() => heads() > before, "the request");
        await plane.quiet();
        assertEquals(heads() - before, 1);
        assertEquals(hedges(plane), 0);
      }),
  );
}
