/** The benchmark's arithmetic and command line. */
import { assert, assertEquals, assertMatch, rejection } from "@test/assert";
import { parseLoad } from "../../../scripts/bench/load.ts";
import { parseArgs } from "../../../scripts/bench/options.ts";
import { parseStat } from "../../../scripts/bench/process_cost.ts";
import {
  barReport,
  hopComparison,
  loadReport,
  median,
  noiseWarning,
  pairedRatios,
  type Sample,
  spread,
  table,
} from "../../../scripts/bench/report.ts";

function sample(peer: string, round: number, values: Partial<Sample> = {}): Sample {
  return {
    peer,
    round,
    connections: 32,
    requestsPerSecond: 1000,
    p50Us: 500,
    p99Us: 1500,
    cpuUsPerRequest: 20,
    rssKib: 10 * 1024,
    errors: 0,
    ...values,
  };
}

const medians: readonly (readonly [values: (number | undefined)[], middle: number | undefined])[] =
  [
    [[], undefined],
    [[undefined], undefined],
    [[3], 3],
    [[9, 1, 5], 5],
    [[4, 1, 10, 2], 3],
    [[10, undefined, 2], 6],
  ];

for (const [values, middle] of medians) {
  Deno.test(`median of [${values.join()}] is ${middle}`, () =>
    assertEquals(median(values), middle));
}

Deno.test("spread, is the distance of the extremes as a share of the median", () => {
  assertEquals(spread([90, 100, 120]), 0.3);
  assertEquals(spread([]), 0);
});

Deno.test("paired ratios, pair the values of one round and skip rounds with only one", () => {
  const samples = [
    sample("a", 0, { requestsPerSecond: 300 }),
    sample("b", 0, { requestsPerSecond: 100 }),
    sample("b", 1, { requestsPerSecond: 50 }),
    sample("a", 1, { requestsPerSecond: 100 }),
    sample("a", 2),
  ];
  const ratios = pairedRatios(samples, { peer: "a", against: "b" }, (one) => one.requestsPerSecond);
  assertEquals(ratios, [3, 2]);
});

Deno.test("table, pads the first column to the right and the others to the left", () => {
  assertEquals(table([["name", "x"], ["a", "100"]]), "name    x\na     100");
});

Deno.test("load report, shows medians and the sum of the errors", () => {
  const report = loadReport([
    sample("a", 0, { requestsPerSecond: 100, errors: 1 }),
    sample("a", 1, { requestsPerSecond: 200, errors: 2 }),
    sample("a", 2, { requestsPerSecond: 150, cpuUsPerRequest: undefined }),
  ]);
  assertMatch(report, /\na +150 +67 % +0\.500 +1\.50 +20\.0 +10 +3$/);
});

const nothing = {
  bodies: [],
  idleRssMib: undefined,
  startMs: undefined,
  adminP99Ms: undefined,
  idleConnectionKib: undefined,
  hops: [],
};

Deno.test("bar report, says met, missed and not measured", () => {
  const load = [
    sample("haproxy", 0),
    sample("mesher", 0, { requestsPerSecond: 1100, cpuUsPerRequest: 25 }),
  ];
  const report = barReport({ load, ...nothing, idleRssMib: 70 });
  assertMatch(report, /^req\/s to HAProxy, c=32 +1\.10 +>= 1 +met$/m);
  assertMatch(report, /^CPU per request to HAProxy, c=32 +1\.25 +<= 1 +MISSED$/m);
  assertMatch(report, /^req\/s to HAProxy, c=256 +- +>= 1 +not measured$/m);
  assertMatch(report, /^RSS idle +70 MiB +<= 85 MiB +met$/m);
});

Deno.test("noise warning, comes with a wide spread or stolen time and not otherwise", () => {
  const calm = [sample("a", 0), sample("a", 1)];
  const wild = [sample("a", 0), sample("a", 1, { requestsPerSecond: 500 })];
  assertEquals(noiseWarning(calm, 0), undefined);
  assertMatch(noiseWarning(wild, 0)!, /^The machine was noisy: .*a c=32 67 %/);
  assertMatch(noiseWarning(calm, 0.1)!, /10 % of the processor time/);
});

Deno.test("wrk's result line is read, and its absence is an error with the output", async () => {
  assertEquals(parseLoad("Running 2s test\nRESULT 10 2000000 1 120 950\n"), {
    requests: 10,
    durationUs: 2_000_000,
    errors: 1,
    p50Us: 120,
    p99Us: 950,
  });
  const error = await rejection(Promise.resolve().then(() => parseLoad("unable to connect")));
  assert(error instanceof Error && error.message.includes("unable to connect"));
});

Deno.test("processor time is read behind a program name with spaces and brackets", () => {
  const text = "12 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0";
  assertEquals(parseStat(text), 2_000_000);
});

const wrong: readonly (readonly [args: string[], message: RegExp])[] = [
  [["--fast"], /unknown flag --fast/],
  [["--rounds"], /--rounds needs a value/],
  [["--rounds", "0"], /whole number from 1, not "0"/],
  [["--seconds=x"], /not "x"/],
  [["--only", "nginx,caddy"], /no peer "caddy"; there are origin, nginx/],
];

for (const [args, message] of wrong) {
  Deno.test(`bench ${args.join(" ")} is refused with the reason`, () => {
    const parsed = parseArgs(args);
    assert(parsed.kind === "wrong");
    assertMatch(parsed.message, message);
  });
}

Deno.test("bench flags, quick is one round of two loads and explicit values win", () => {
  const parsed = parseArgs(["--quick", "--seconds=1", "--only", "mesher,haproxy"]);
  assertEquals(parsed, {
    kind: "run",
    rounds: 1,
    seconds: 1,
    connections: [32, 256],
    peers: ["haproxy", "mesher"],
  });
});

Deno.test("benchmark report, two HAProxies are told beside two sidecars, where there were any", () => {
  const own = { lostPercent: 5, addedMs: 0.2 };
  assertEquals(hopComparison([own]), undefined);
  const told = hopComparison([
    { ...own, haproxies: { lostPercent: 8, addedMs: 0.3 } },
    { ...own, haproxies: { lostPercent: 6, addedMs: 0.2 } },
    { ...own, haproxies: { lostPercent: 9, addedMs: 0.4 } },
  ]);
  assertMatch(told!, /lost 8\.0 %, time added 0\.30 ms/);
});
