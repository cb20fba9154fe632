/** The question of `mesher explain` and what it prints. */
import { assertEquals, assertMatch } from "@test/assert";
import { readArguments, takeHeaders } from "../../../lib/cli/explain.ts";
import { explainLines } from "../../../lib/cli/explain_text.ts";
import type { ExplanationView } from "../../../lib/control/api/shapes/events.ts";

for (
  const [args, asked] of [
    [["GET", "http://A/x"], { method: "GET", url: "http://A/x" }],
    [["post", "A:80/x?y"], { method: "POST", url: "http://A:80/x?y" }],
    [["HTTP://A/"], { method: "GET", url: "HTTP://A/" }],
  ] as const
) {
  Deno.test(`explain, ${args.join(" ")} is understood`, () =>
    assertEquals(readArguments(args), asked));
}

for (
  const [args, words] of [
    [[], /wants METHOD and URL/],
    [["GET", "http://A/", "x"], /wants METHOD and URL/],
    [["G T", "http://A/"], /wants METHOD and URL/],
    [["https://A/"], /is tunnelled as it is/],
  ] as const
) {
  Deno.test(`explain, ${JSON.stringify(args)} is refused with words`, () => {
    const read = readArguments(args);
    assertMatch("mistake" in read ? read.mistake : "", words);
  });
}

Deno.test("explain, fields are taken out of the arguments in every way of writing them", () => {
  const { args, headers, mistake } = takeHeaders(
    [
      "GET",
      "-H",
      "A: 1",
      "--header=B:  two words ",
      "-HC:3",
      "--header",
      "D:",
      "http://A/",
      "--json",
    ],
  );
  assertEquals(mistake, undefined);
  assertEquals(args, ["GET", "http://A/", "--json"]);
  assertEquals(headers, [["A", "1"], ["B", "two words"], ["C", "3"], ["D", ""]]);
});

Deno.test("explain, a field without a name is refused and shown", () => {
  assertEquals(takeHeaders(["-H", "no colon"]).mistake, `-H wants 'Name: value', not "no colon"`);
  assertEquals(takeHeaders(["-H"]).mistake, `-H wants 'Name: value', not ""`);
});

const asked = { method: "GET", url: "http://Cart/" };

Deno.test("explain, the pick comes first, then the steps, the policy and every candidate", () => {
  const explanation: ExplanationView = {
    steps: [{ step: "name", result: "Cart is a service" }, {
      step: "pick",
      result: "10.0.0.1:80 by round_robin",
    }],
    service: "Cart",
    candidates: [
      { endpoint: "10.0.0.1:80", instanceId: "i1", state: "healthy", share: 1 },
      {
        endpoint: "10.0.0.2:80",
        instanceId: "i2",
        state: "unreachable",
        excluded: "connect refused, for another 3.0 s",
      },
    ],
    pick: "10.0.0.1:80",
    policy: {
      balance: { kind: "round_robin" },
      retry: { maxAttempts: 3, hedge: true },
      responseMs: 30_000,
      outlier: { enabled: true, consecutiveFailures: 5 },
      breaker: { enabled: true, errorShare: 0.5, force: "none" },
      concurrency: { limit: 10, adaptive: false },
      rateLimits: [{ perSecond: 5 }],
    },
  };
  assertEquals(explainLines(explanation, asked), [
    "GET http://Cart/",
    "would go to 10.0.0.1:80",
    "",
    "  name    Cart is a service",
    "  pick    10.0.0.1:80 by round_robin",
    "  policy  balanced by round_robin, answer within 30s, at most 3 attempts, hedged, " +
    "ejected after 5 failures in a row, circuit opens at 50 % errors, at most 10 at a time, at most 5/s",
    "",
    "     CANDIDATE    STATE        SHARE  WHY NOT",
    "  >  10.0.0.1:80  healthy      100 %",
    "     10.0.0.2:80  unreachable      -  connect refused, for another 3.0 s",
  ]);
});

Deno.test("explain, a failure comes first with what to look at, and once", () => {
  const lines = explainLines({
    steps: [{ step: "end", result: "answered with 503" }],
    candidates: [],
    failure: { code: "service_unknown", detail: "there is no service \x1b" },
  }, asked);
  assertEquals(lines.slice(0, 3), [
    "GET http://Cart/",
    "would FAIL: 503 service_unknown: The registry does not know this service",
    "  there is no service \\u001b",
  ]);
  assertMatch(lines[3]!, /^ {2}Compare the host name/);
  assertEquals(lines.slice(4), [""]);
});

Deno.test("explain, a sidecar of another version with a policy of another form does no harm", () => {
  const lines = explainLines(
    { steps: [{ step: "end", result: "redirects" }], candidates: [], policy: { new: 1 } },
    asked,
  );
  assertEquals(lines, ["GET http://Cart/", "would be answered here", "", "  end     redirects"]);
});
