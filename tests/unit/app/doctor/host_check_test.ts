/** The doctor's looks at descriptors, the state folder, the sidecar itself and what calls ended in. */
import { assertEquals, assertMatch } from "@test/assert";
import {
  type DescriptorFacts,
  judgeDescriptors,
  judgeRun,
  judgeState,
  type StateFacts,
} from "../../../../lib/app/doctor/host_check.ts";
import { judgeTraffic, type TrafficFacts } from "../../../../lib/app/doctor/traffic_check.ts";
import type { FailureView } from "../../../../lib/control/api/shapes/events.ts";
import { failureView } from "../../../support/failure_view.ts";

const descriptors: DescriptorFacts = { open: 50, most: 65_536, connections: 10_000, chosen: false };

for (
  const [parts, level, words] of [
    [{}, "ok", /50 of 65536, enough for 10000 clients/],
    [{ most: undefined }, "skipped", /platform/],
    [{ most: 1024 }, "note", /about 480 clients at a time, but limits\.connections is 10000/],
    [{ most: 1024, chosen: true }, "warning", /480/],
    [{ most: 20_000 }, "ok", /./],
    [{ open: 900, most: 1024 }, "problem", /900 of 1024 file descriptors are in use/],
  ] satisfies readonly (readonly [Partial<DescriptorFacts>, string, RegExp])[]
) {
  Deno.test(`doctor, file descriptors: ${JSON.stringify(parts)}`, () => {
    const found = judgeDescriptors({ ...descriptors, ...parts });
    assertEquals(found.level, level);
    assertMatch(found.says, words);
  });
}

const minute = 60_000;
const state: StateFacts = {
  folder: "/s",
  unwritable: undefined,
  disk: { path: "/s/d.json", restored: 0, savedAt: 100 * minute },
  now: 101 * minute,
  services: 1,
  uptimeMs: 200 * minute,
};

for (
  const [name, parts, level, words] of [
    ["written lately", {}, "ok", /written 60 s ago/],
    ["no folder", { folder: undefined }, "note", /no folder is set/],
    [
      "not writable",
      { unwritable: "read-only" },
      "warning",
      /\/s cannot be written to \(read-only\)/,
    ],
    [
      "old",
      { now: 200 * minute },
      "warning",
      /the snapshot \/s\/d\.json is 1 h 40 min old/,
    ],
    [
      "never written",
      { disk: { path: "/s/d.json", restored: 0 } },
      "warning",
      /has not been written since the start/,
    ],
    ["just started", { disk: { path: "/s/d.json", restored: 0 }, uptimeMs: 100 }, "ok", /./],
    ["nothing to keep", { services: 0, now: 999 * minute }, "ok", /can be written to/],
  ] satisfies readonly (readonly [string, Partial<StateFacts>, string, RegExp])[]
) {
  Deno.test(`doctor, state folder: ${name}`, () => {
    const found = judgeState({ ...state, ...parts });
    assertEquals(found.level, level);
    assertMatch(found.says, words);
  });
}

Deno.test("doctor, a refused configuration, a dead thread and a late one are findings", () => {
  const well = {
    refusedReloads: { count: 0, last: "" },
    threadsReplaced: 0,
    revision: 3,
    acknowledged: [3, 3],
    draining: false,
  };
  const levels = (parts: Partial<typeof well>) =>
    judgeRun({ ...well, ...parts }).map(({ check, level }) => `${check} ${level}`);
  assertEquals(levels({}), ["configuration ok", "data threads ok"]);
  assertEquals(levels({ refusedReloads: { count: 2, last: "x" } })[0], "configuration warning");
  assertEquals(levels({ threadsReplaced: 1 })[1], "data threads warning");
  assertEquals(levels({ acknowledged: [3, 2] })[1], "data threads warning");
  assertEquals(levels({ draining: true })[2], "drain note");
});

function failure(code: FailureView["code"], endpoint = "10.0.0.1:80"): FailureView {
  return failureView(code, { endpoint, detail: "it was so" });
}

const traffic: TrafficFacts = {
  failures: [],
  inTrouble: new Set(),
  attempts: 1000,
  resends: 0,
  outboundRequests: 10,
  uptimeMs: 1000,
};

for (
  const [name, parts, finding, words] of [
    [
      "a circle",
      { failures: [failure("loop_detected")] },
      "loops problem",
      /round in circles: it was/,
    ],
    ["dead pooled connections", { resends: 50 }, "pooled connections warning", /50 of 1000/],
    [
      "failures that nothing else explains",
      { failures: [failure("response_timeout"), failure("response_timeout")] },
      "failures warning",
      /^2 lately with response_timeout, the newest GET http:\/\/Cart\/: it was so$/,
    ],
    [
      "malformed requests",
      { failures: [failure("request_malformed")] },
      "failures note",
      /1 lately/,
    ],
    [
      "an idle sidecar",
      { outboundRequests: 0, uptimeMs: 600_000 },
      "use note",
      /no call has come in/,
    ],
  ] satisfies readonly (readonly [string, Partial<TrafficFacts>, string, RegExp])[]
) {
  Deno.test(`doctor, traffic: ${name}`, () => {
    const found = judgeTraffic({ ...traffic, ...parts }).filter(({ level }) => level !== "ok");
    assertEquals(found.map(({ check, level }) => `${check} ${level}`), [finding]);
    assertMatch(found[0]!.says, words);
  });
}

Deno.test("doctor, traffic: failures that another look explains are not told of twice", () => {
  const found = judgeTraffic({
    ...traffic,
    failures: [failure("service_unknown"), failure("connect_refused", "10.0.0.9:80")],
    inTrouble: new Set(["10.0.0.9:80"]),
  });
  assertEquals(found.map(({ level }) => level), ["ok", "ok", "ok"]);
});
