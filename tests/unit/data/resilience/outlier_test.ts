/** Passive outlier detection: who is ejected. */
import { assertEquals } from "@test/assert";
import type { OutlierPolicy } from "../../../../lib/core/traffic.ts";
import { inPanic, outcomeOf } from "../../../../lib/data/resilience/outlier.ts";
import { clusterOf, policy, repeat } from "./health.ts";

for (
  const [status, outcome] of [
    [200, "success"],
    [301, "success"],
    [404, "success"],
    [429, "success"],
    [499, "success"],
    [500, "server_error"],
    [501, "server_error"],
    [502, "gateway_failure"],
    [503, "gateway_failure"],
    [504, "gateway_failure"],
    [505, "server_error"],
    [599, "server_error"],
  ] as const
) {
  Deno.test(`outlier, status ${status} is a ${outcome}`, () => {
    assertEquals(outcomeOf(status), outcome);
  });
}

for (
  const { healthy, total, share = 0.5, enabled = true, panic } of [
    { healthy: 10, total: 10, panic: false },
    { healthy: 5, total: 10, panic: false },
    { healthy: 4, total: 10, panic: true },
    { healthy: 1, total: 2, panic: false },
    { healthy: 0, total: 1, panic: true },
    { healthy: 0, total: 0, panic: false },
    { healthy: 0, total: 10, share: 0, panic: false },
    { healthy: 9, total: 10, share: 1, panic: true },
    { healthy: 1, total: 10, enabled: false, panic: false },
  ]
) {
  Deno.test(`outlier, ${healthy} of ${total} well with a panic share of ${share}, ${enabled ? "on" : "off"}: ${panic ? "panic" : "no panic"}`, () => {
    assertEquals(inPanic(healthy, total, { ...policy, enabled, panicShare: share }), panic);
  });
}

for (
  const { title, outcomes, others = "", reason, changes = {} } of [
    {
      title: "five gateway failures in a row eject",
      outcomes: "ggggg",
      reason: "consecutive_failures",
    },
    { title: "four do not", outcomes: "gggg", reason: "none" },
    { title: "a success breaks the row", outcomes: "ggggsgggg", reason: "none" },
    { title: "so does an error of the application", outcomes: "ggggegggg", reason: "none" },
    {
      title: "errors of the application alone prove nothing",
      outcomes: "eeeeeeeeee",
      reason: "none",
    },
    {
      title: "unless the others do well",
      outcomes: "eeeee",
      others: "s".repeat(50),
      reason: "success_rate",
    },
    {
      title: "fewer than the least number of requests are not judged",
      outcomes: "eeee",
      others: "s".repeat(50),
      reason: "none",
    },
    {
      title: "as bad as the others is good enough",
      outcomes: "e".repeat(50),
      others: "e".repeat(500),
      reason: "none",
    },
    {
      title: "nineteen points below the others is not clearly below",
      outcomes: "s".repeat(180) + "e".repeat(120),
      others: ("s".repeat(79) + "e".repeat(21)).repeat(10),
      reason: "none",
    },
    {
      title: "twenty-one points below is, when there are enough requests to be sure",
      outcomes: "s".repeat(174) + "e".repeat(126),
      others: ("s".repeat(79) + "e".repeat(21)).repeat(10),
      reason: "success_rate",
    },
    {
      title: "above the wanted share nothing happens, however well the others do",
      outcomes: "s".repeat(81) + "e".repeat(19),
      others: "s".repeat(1000),
      reason: "none",
    },
    {
      title: "three of five could be chance while the others fail now and then",
      outcomes: "sseee",
      others: ("s".repeat(19) + "e").repeat(10),
      reason: "none",
    },
    {
      title: "detection that is off ejects nobody",
      outcomes: "gggggggggg",
      others: "s".repeat(50),
      changes: { enabled: false },
      reason: "none",
    },
    {
      title: "0 for failures in a row leaves the share of successes",
      outcomes: "ggggg",
      others: "s".repeat(50),
      changes: { consecutiveFailures: 0 },
      reason: "success_rate",
    },
  ] satisfies readonly {
    readonly title: string;
    readonly outcomes: string;
    readonly others?: string;
    readonly reason: string;
    readonly changes?: Partial<OutlierPolicy>;
  }[]
) {
  Deno.test(`outlier, ${title}`, () => {
    const { endpoints: [failing, well] } = clusterOf(2, { changes });
    repeat(well!, others, 1000);
    assertEquals(repeat(failing!, outcomes, 1000), reason);
    assertEquals(failing!.state, reason === "none" ? "healthy" : "ejected");
  });
}

for (
  const { count, share, most } of [
    { count: 1, share: 1, most: 0 },
    { count: 2, share: 0.5, most: 1 },
    { count: 2, share: 0.1, most: 1 },
    { count: 3, share: 0.5, most: 1 },
    { count: 4, share: 0.5, most: 2 },
    { count: 10, share: 0.25, most: 2 },
    { count: 10, share: 1, most: 10 },
    { count: 10, share: 0, most: 0 },
  ]
) {
  Deno.test(`outlier, of ${count} at most ${most} are ejected with a share of ${share}`, () => {
    const { cluster, endpoints } = clusterOf(count, { changes: { maxEjectedShare: share } });
    for (const endpoint of endpoints) repeat(endpoint, "gggggggg", 0);
    assertEquals(endpoints.filter((endpoint) => endpoint.state === "ejected").length, most);
    assertEquals(cluster.ejected, most);
  });
}
