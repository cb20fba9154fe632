/** The original's rules of dark launches: the rules they become, and the groups that cannot be taken over. */
import { assert, assertEquals } from "@test/assert";
import { readDarkLaunch } from "../../../../lib/config/original/dark_launch.ts";
import { compileRoutes } from "../../../../lib/data/routing/router.ts";
import { factsOf, type FactsOptions } from "../../data/routing/facts_support.ts";

const group = (groupCondition: string, policyCondition: string, more: object = {}) => ({
  groupName: "",
  groupCondition,
  policyCondition,
  ...more,
});
const darkLaunch = (policyType: string, ...ruleItems: readonly object[]) =>
  readDarkLaunch("cart", JSON.stringify({ policyType, ruleItems }));

const version = (text: string, weight: number) => ({ subset: { version: text }, weight });

Deno.test("dark launch, RATE gives groups their shares, and the latest version the rest", () => {
  assertEquals(darkLaunch("RATE", group("version=1.0,1.1,1.2", "80"), group("version=2.0", "15")), {
    rules: [{
      name: "dark launch",
      targets: [
        version("1.0", 80 / 3),
        version("1.1", 80 / 3),
        version("1.2", 80 / 3),
        version("2.0", 15),
        version("latest", 5),
      ],
    }],
    warnings: [],
  });
  const whole = darkLaunch("RATE", group("version=1.0,1.1,1.2", "70"), group("version=2.0", "30"));
  assertEquals(whole.rules[0]!.targets.length, 4);
});

const conditions: readonly (readonly [condition: string, request: FactsOptions, fits: boolean])[] =
  [
    ["user_id=jason", { headers: { UserId: "jason" } }, true],
    ["user_id=jason", { headers: { user_id: "jason" } }, false],
    ["x-user=jason", { headers: { "X-User": "jason" } }, true],
    ["a!=b", { headers: { a: "c" } }, true],
    ["a!=b", {}, true],
    ["a!=b", { headers: { a: "b" } }, false],
    ["a>=5", { headers: { a: "5" } }, true],
    ["a<=5", { headers: { a: "6" } }, false],
    ["a>5", { headers: { a: "6" } }, true],
    ["a<5", { headers: { a: "5" } }, false],
    ["a~^b+$", { headers: { a: "bb" } }, true],
    // The first sign counts.
    ["cookie~u=1", { headers: { Cookie: "x;u=1" } }, true],
    ["a=b=c", { headers: { a: "b=c" } }, true],
    ["a = b", { headers: { a: "b" } }, true],
    ["a=", {}, true],
  ];

for (const [condition, request, fits] of conditions) {
  Deno.test(`dark launch, RULE ${condition} and ${JSON.stringify(request)}: ${fits}`, () => {
    const { rules, warnings } = darkLaunch("RULE", group("version=1.0", condition));
    assertEquals(warnings, []);
    assertEquals(compileRoutes(rules)!.decide(factsOf(request), () => 0) !== undefined, fits);
  });
}

Deno.test("dark launch, RULE keeps the order and the names of its groups", () => {
  const { rules } = darkLaunch(
    "RULE",
    group("version=1.0", "a=B", { groupName: "beta", caseInsensitive: true }),
    group("version=2.0,2.1", "a=c", { groupName: "beta" }),
    group("version=3.0", "a=d"),
  );
  assertEquals(rules, [
    {
      name: "beta",
      match: { headers: [{ name: "a", value: { exact: "B", ignoreCase: true } }] },
      targets: [version("1.0", 100)],
    },
    {
      name: "beta (2)",
      match: { headers: [{ name: "a", value: { exact: "c" } }] },
      targets: [version("2.0", 50), version("2.1", 50)],
    },
    {
      name: "dark launch 3",
      match: { headers: [{ name: "a", value: { exact: "d" } }] },
      targets: [version("3.0", 100)],
    },
  ]);
});

const refusedGroups: readonly (readonly [item: object, warning: RegExp])[] = [
  [group("version=1.0", "jason"), /the policyCondition "jason" is not like user_id=jason/],
  [group("version=1.0", "=jason"), /is not like user_id=jason/],
  [group("version=1.0", "a>b"), /"b" is no whole number/],
  [group("version=1.0", "a~("), /a \( has no \) after it/],
  [group("version=", "a=b"), /the groupCondition "version=" is not like/],
  [group("zone=a", "a=b"), /the groupCondition "zone=a" is not like/],
];

for (const [item, warning] of refusedGroups) {
  Deno.test(`dark launch, the group ${JSON.stringify(item)} is left out alone`, () => {
    const { rules, warnings } = darkLaunch("RULE", item, group("version=9", "a=b"));
    assertEquals(rules.map((rule) => rule.name), ["dark launch 2"]);
    assertEquals(warnings.length, 1);
    assert.match(warnings[0]!, /^servicecomb\.darklaunch\.policy\.cart: group 1: /);
    assert.match(warnings[0]!, warning);
  });
}

const refusedPolicies: readonly (readonly [value: unknown, warning: RegExp])[] = [
  ["{", /it is not valid JSON; it has no effect/],
  [{ policyType: "RATE", ruleItems: [] }, /it has no ruleItems/],
  [
    { policyType: "RATE", ruleItems: [group("version=1", "80"), group("version=2", "21")] },
    /add up to 101/,
  ],
  [{ policyType: "RATE", ruleItems: [group("version=1", "-5")] }, /a weight is -5/],
  [{ policyType: "RATE", ruleItems: [group("version=1", "x")] }, /"x" is no whole number/],
  [{ policyType: "OTHER" }, /the policyType "OTHER" is not known/],
];

for (const [value, warning] of refusedPolicies) {
  Deno.test(`dark launch, ${JSON.stringify(value)} has no effect, with a warning`, () => {
    const { rules, warnings } = readDarkLaunch("cart", value);
    assertEquals(rules, []);
    assertEquals(warnings.length, 1);
    assert.match(warnings[0]!, warning);
  });
}
