/** What the registry bench says of its figures. */
import { assertEquals, assertMatch } from "@test/assert";
import {
  type Quantiles,
  quantiles,
  registryReport,
} from "../../../scripts/bench/registry_report.ts";

const flat = (ms: number): Quantiles => ({ p50: ms, p90: ms, p99: ms, p999: ms, max: ms });
const figures = (findMs: number, failures = 0) => ({
  findMs: flat(findMs),
  noopMs: flat(0.3),
  handleMs: flat(0.1),
  failures,
});
const calm = { lateMs: [0.1, 0.2], stealShare: 0 };

for (
  const [what, given, noise, verdict, machine] of [
    [
      "fast finds on a calm machine",
      figures(1),
      calm,
      /p99 1 ms.* met\.$/,
      /^The machine was calm/,
    ],
    ["slow finds", figures(5), calm, /missed\.$/, /calm/],
    [
      "fast finds, some of which failed",
      figures(1, 3),
      calm,
      /missed \(3 calls failed\)\.$/,
      /calm/,
    ],
    [
      "late timers",
      figures(9),
      { ...calm, lateMs: [12] },
      /missed/,
      /noisy: timers of an idle thread came 12 ms late \(p99\)\. Only the difference/,
    ],
    [
      "time for other guests",
      figures(1),
      { ...calm, stealShare: 0.07 },
      /met/,
      /noisy: 7 % of the processor time went to other guests/,
    ],
  ] as const
) {
  Deno.test(`registry bench, ${what}: says so`, () => {
    const [first, second, third] = registryReport(given, noise);
    assertMatch(first!, verdict);
    assertMatch(second!, /needs no data, in the same run: p50 0\.3 ms, p99 0\.3 ms/);
    assertMatch(third!, machine);
  });
}

Deno.test("registry bench, quantiles: of the sorted values, zero of none", () => {
  const values = Array.from({ length: 1000 }, (_, i) => 1000 - i);
  assertEquals(quantiles(values), { p50: 501, p90: 901, p99: 991, p999: 1000, max: 1000 });
  assertEquals(quantiles([]), flat(0));
});
