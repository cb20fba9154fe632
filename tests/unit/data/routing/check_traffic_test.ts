/** Problems of a traffic policy: found before it is in force, each with its place. */
import { assertEquals } from "@test/assert";
import type { RateLimit, RouteRule, TrafficPolicy } from "../../../../lib/core/traffic.ts";
import { trafficProblems } from "../../../../lib/data/routing/check_traffic.ts";
import { defaultPolicy, defaultServicePolicy } from "../../../support/policy.ts";

const { traffic } = defaultPolicy;

const badLimit: RateLimit = { name: "slow", perSecond: 1, burst: 1, match: { share: 2 } };
const badRule: RouteRule = { name: "r", targets: [{ weight: 0 }] };

const table: readonly (readonly [
  what: string,
  policy: Partial<TrafficPolicy>,
  problems: readonly string[],
])[] = [
  ["a usable policy", {}, []],
  ["a rule for every service", { fallback: { ...defaultServicePolicy, routes: [badRule] } }, [
    'every service: route "r": all targets have the weight 0, so its requests could go nowhere',
  ]],
  [
    "two rules and a limit of one service",
    {
      services: {
        cart: {
          ...defaultServicePolicy,
          routes: [
            badRule,
            { name: "fine", targets: [] },
            { name: "s", targets: [], path: { prefix: { from: "x", to: "" } } },
            { name: "t", targets: [], rateLimits: [badLimit] },
          ],
          rateLimits: [badLimit],
        },
      },
    },
    [
      'service cart, rate limit "slow": share is 2; a share is a number from 0 to 1',
      'service cart: route "r": all targets have the weight 0, so its requests could go nowhere',
      'service cart: route "s": path rewrite: prefix: from is "x"; begin with /',
      'service cart, route "t", rate limit "slow": share is 2; a share is a number from 0 to 1',
    ],
  ],
  [
    "faults on both sides",
    {
      fallback: { ...defaultServicePolicy, fault: { abort: { status: 99, share: 1 } } },
      inbound: { ...traffic.inbound, fault: { delay: { ms: -1, share: 1 } } },
    },
    [
      "every service, fault: the status of aborts is 99; write one from 200 to 599",
      "inbound, fault: the delay is -1; write milliseconds, 0 or more",
    ],
  ],
  [
    "an egress rule",
    { egress: { otherwise: "allow", rules: [{ hosts: [], ports: [], action: "deny" }] } },
    ["egress: egress rule 1: it names no host; write * for every host"],
  ],
];

for (const [what, policy, problems] of table) {
  Deno.test(`traffic problems, of ${what}`, () => {
    assertEquals(trafficProblems({ ...traffic, ...policy }), problems);
  });
}
