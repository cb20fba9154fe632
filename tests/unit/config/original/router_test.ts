/** The original's route rules: the rules they become, and what is said of those that cannot be taken over. */
import { assert, assertEquals } from "@test/assert";
import type { RouteRule } from "../../../../lib/core/traffic.ts";
import { readRouteRules, type RuleContext } from "../../../../lib/config/original/router.ts";
import { compileRoutes } from "../../../../lib/data/routing/router.ts";
import { factsOf, type FactsOptions } from "../../data/routing/facts_support.ts";

const context: RuleContext = {
  app: "shop",
  version: "1.2",
  properties: { lane: "blue" },
  matches: { jack: { headers: [{ name: "user", value: { exact: "jack" } }] }, never: { share: 0 } },
};

const read = (yaml: unknown) => readRouteRules("cart", yaml, context);
const latest = { subset: { version: "latest" }, weight: 100 };

const documented = `
- precedence: 1
  route:
    - {weight: 80, tags: {version: 1.0}}
    - {weight: 20, tags: {version: 1.10}}
- precedence: 2
  match:
    source: web
    sourceTags: {app: shop}
    headers:
      X-User: {exact: jason}
      Cookie: {regex: "^(.*?;)?(u=1)(;.*)?$", caseInsensitive: "false"}
  route:
    - {weight: 100, tags: {version: 2.0, app: shop}}
`;

Deno.test("original route rules, are sorted by precedence and keep versions as they are written", () => {
  assertEquals(read(documented), {
    warnings: [],
    rules: [
      {
        name: "precedence 2",
        match: {
          callers: ["web"],
          headers: [
            { name: "x-user", value: { exact: "jason" } },
            { name: "cookie", value: { regex: "^(.*?;)?(u=1)(;.*)?$" } },
          ],
        },
        targets: [{ subset: { version: "2.0" }, weight: 100 }],
      },
      {
        name: "precedence 1",
        targets: [
          { subset: { version: "1.0" }, weight: 80 },
          { subset: { version: "1.10" }, weight: 20 },
        ],
      },
    ],
  });
});

const targets: readonly (readonly [route: string, targets: RouteRule["targets"]])[] = [
  ["[{weight: 100, tags: {version: 1.0}}]", [{ subset: { version: "1.0" }, weight: 100 }]],
  ["[{weight: 100, tags: {version: 1.0}}, {weight: 0, tags: {version: 2.0}}]", [
    { subset: { version: "1.0" }, weight: 100 },
  ]],
  ["[{weight: 30, tags: {version: 1.0}}]", [
    { subset: { version: "1.0" }, weight: 30 },
    { subset: { version: "latest" }, weight: 70 },
  ]],
  ["[{weight: 100}]", [latest]],
  ["[{weight: 100, tags: {app: shop}}]", [latest]],
  ["[{weight: 100, tags: {version: latest}}]", [latest]],
  ["[{weight: 100, tags: {lane: green, version: '3'}}]", [
    { subset: { lane: "green", version: "3" }, weight: 100 },
  ]],
  ["[{weight: 100, tags: {lane: green}}]", [
    { subset: { lane: "green", version: "latest" }, weight: 100 },
  ]],
];

for (const [route, expected] of targets) {
  Deno.test(`original route rules, the route ${route} has its targets`, () => {
    const { rules, warnings } = read(`[{precedence: 1, route: ${route}}]`);
    assertEquals(warnings, []);
    assertEquals(rules.map((rule) => rule.targets), [expected]);
  });
}

const requests: readonly (readonly [match: string, request: FactsOptions, fits: boolean])[] = [
  ["{}", {}, true],
  ["", {}, true],
  ["{source: web}", { caller: "web" }, true],
  ["{source: web}", { caller: "shop" }, false],
  ["{source: web, sourceTags: }", { caller: "web" }, true],
  ["{sourceTags: {app: shop, version: '1.2', lane: blue}}", {}, true],
  // Keys of headers in any case.
  ["{headers: {x-uSEr: {exact: ann}}}", { headers: { "X-User": "ann" } }, true],
  ["{httpHeaders: {user: {exact: ann}}}", { headers: { user: "ann" } }, true],
  [
    "{headers: {a: {exact: 1}}, httpHeaders: {b: {exact: 2}}}",
    { headers: { a: "1", b: "2" } },
    true,
  ],
  ["{headers: {a: {exact: 1}}, httpHeaders: {b: {exact: 2}}}", { headers: { a: "1" } }, false],
  ["{headers: {a: {contains: b}}}", { headers: { a: "abc" } }, true],
  ["{headers: {a: {contains: B}}}", { headers: { a: "abc" } }, false],
  ["{headers: {a: {contains: B, caseInsensitive: 'true'}}}", { headers: { a: "abc" } }, true],
  ["{headers: {a: {contains: B, caseInsensitive: true}}}", { headers: { a: "abc" } }, true],
  // Upper case would turn \d into \D.
  [
    "{headers: {a: {regex: '^\\d[a-z]$', caseInsensitive: 'true'}}}",
    { headers: { a: "7B" } },
    true,
  ],
  ["{headers: {a: {regex: '^[[:alpha:]]+$'}}}", { headers: { a: "abc" } }, true],
  ["{headers: {a: {regex: b}}}", { headers: { a: "abc" } }, true],
  ["{headers: {a: {less: 5}}}", { headers: { a: "4" } }, true],
  ["{headers: {a: {less: 5}}}", { headers: { a: "5" } }, false],
  ["{headers: {a: {noLess: 5}}}", { headers: { a: "5" } }, true],
  ["{headers: {a: {greater: 5}}}", { headers: { a: "5" } }, false],
  ["{headers: {a: {noGreater: 5}}}", { headers: { a: "5" } }, true],
  ["{headers: {a: {noGreater: 5}}}", { headers: { a: "x" } }, false],
  ["{headers: {a: {noGreater: 5}}}", {}, false],
  // A header that is missing is an empty text.
  ["{headers: {a: {exact: ''}}}", {}, true],
  ["{headers: {a: {exact: ''}}}", { headers: { a: "x" } }, false],
  ["{headers: {a: {noEqu: x}}}", {}, true],
  ["{headers: {a: {noEqu: x}}}", { headers: { a: "y" } }, true],
  ["{headers: {a: {noEqu: x}}}", { headers: { a: "x" } }, false],
  ["{headers: {a: {noEqu: ''}}}", {}, false],
  ["{headers: {a: {noEqu: ''}}}", { headers: { a: "x" } }, true],
  ["{headers: {a: {noEqu: x, contains: y}}}", {}, false],
  ["{headers: {a: {regex: '^u*$'}}}", {}, true],
  ["{headers: {a: {regex: '^u+$'}}}", {}, false],
  ["{headers: {a: {regex: '.*'}, b: {exact: ''}}}", { headers: { a: "x" } }, true],
  ["{headers: {a: {regex: '.*'}, b: {exact: ''}}}", { headers: { b: "x" } }, false],
  ["{headers: {a: {caseInsensitive: 'true'}}}", {}, true],
  ["{refer: jack}", { headers: { user: "jack" } }, true],
  ["{refer: jack}", { headers: { user: "ann" } }, false],
  ["{refer: never}", {}, false],
];

for (const [match, request, fits] of requests) {
  Deno.test(`original route rules, match ${match} and ${JSON.stringify(request)}: ${fits}`, () => {
    const { rules, warnings } = read(`
- match: ${match}
  route: [{weight: 100, tags: {version: 1.0}}]`);
    assertEquals(warnings, []);
    const decision = compileRoutes(rules)!.decide(factsOf(request), () => 0);
    assertEquals(decision !== undefined, fits);
  });
}

for (const tags of ["{app: other}", "{app: shop, version: '1.1'}", "{lane: green}", "{zone: a}"]) {
  Deno.test(`original route rules, a rule for callers with the tags ${tags} is for others`, () => {
    const yaml = `[{match: {sourceTags: ${tags}}, route: [{weight: 100}]}]`;
    assertEquals(read(yaml), { rules: [], warnings: [] });
  });
}

const leftOut: readonly (readonly [rule: string, warning: RegExp])[] = [
  [
    "{route: [{weight: 80}, {weight: 30}]}",
    /^servicecomb\.routeRule\.cart, rule 2: its weights add up to 110, which is more than 100; the rule is left out$/,
  ],
  ["{route: [{weight: -1}]}", /a weight is -1/],
  ["{route: [{weight: 1.5}]}", /"1\.5" is no whole number/],
  ["{route: [{weight: many}]}", /"many" is no whole number/],
  ["{precedence: high, route: [{weight: 1}]}", /"high" is no whole number/],
  [
    "{match: {headers: {a: {is: b}}}, route: [{weight: 100}]}",
    /the operator "is" is not known, so it never fits/,
  ],
  ["{match: {headers: {a: {less: b}}}, route: [{weight: 100}]}", /"b" is no whole number/],
  ["{match: {headers: {a: {regex: '('}}}, route: [{weight: 100}]}", /a \( has no \) after it/],
  ["{match: {headers: {a: b}}, route: [{weight: 100}]}", /"b" is no map/],
  [
    "{match: {refer: nobody}, route: [{weight: 100}]}",
    /refers to servicecomb\.match\.nobody, which there is not/,
  ],
  [
    "{match: {refer: constructor}, route: [{weight: 100}]}",
    /servicecomb\.match\.constructor, which there is not/,
  ],
  [
    "{match: {headers: {a: {constructor: b}}}, route: [{weight: 100}]}",
    /the operator "constructor"/,
  ],
  ["{precedence: 3}", /it has no route/],
  ["{route: {weight: 100}}", /is no list/],
  ["word", /"word" is no map/],
];

for (const [rule, warning] of leftOut) {
  Deno.test(`original route rules, ${rule} is left out alone, with a warning`, () => {
    const { rules, warnings } = read(`[{precedence: 9, route: [{weight: 100}]}, ${rule}]`);
    assertEquals(rules, [{ name: "precedence 9", targets: [latest] }]);
    assertEquals(warnings.length, 1);
    assert.match(warnings[0]!, warning);
  });
}

const heard: readonly (readonly [rule: string, warning: RegExp])[] = [
  [
    "{route: [{tags: {version: latest}}]}",
    /no weights, so that all of it goes to the latest version/,
  ],
  ["{route: [{weight: 100}], protocol: rest}", /protocol is not known and is ignored/],
  ["{match: {path: /a}, route: [{weight: 100}]}", /path of its match is not known and is ignored/],
  ["{route: [{weight: 100, tag: x}]}", /tag of its route is not known and is ignored/],
];

for (const [rule, warning] of heard) {
  Deno.test(`original route rules, ${rule} is taken over with a warning`, () => {
    const { rules, warnings } = read(`[${rule}]`);
    assertEquals(rules, [{ name: "precedence 0", targets: [latest] }]);
    assertEquals(warnings.length, 1);
    assert.match(warnings[0]!, warning);
  });
}

const tagWarnings: readonly (readonly [tags: unknown, warning: RegExp])[] = [
  [{ app: "other" }, /the tag app: other names another application/],
  [{ version: "1.0.0+" }, /the version 1\.0\.0\+ is compared as a text/],
  [{ version: "1.0-2.0" }, /the version 1\.0-2\.0 is compared as a text/],
  [{ version: 2 }, /the version 2 was read as a number; write it in quotes/],
];

for (const [tags, warning] of tagWarnings) {
  Deno.test(`original route rules, of the tags ${JSON.stringify(tags)} something is said`, () => {
    const { rules, warnings } = read([{ route: [{ weight: 100, tags }] }]);
    assertEquals(rules.length, 1);
    assert.match(warnings.join("\n"), warning);
  });
}

Deno.test("original route rules, refer decides alone and names what it puts aside", () => {
  const { rules, warnings } = read("[{match: {refer: jack, source: web}, route: [{weight: 100}]}]");
  assertEquals(rules[0]!.match, context.matches!["jack"]);
  assert.match(warnings.join(), /beside refer the conditions source are ignored/);
});

Deno.test("original route rules, those of one precedence keep their order and get names of their own", () => {
  const { rules } = read(`
- {match: {source: a}, route: [{weight: 100}]}
- {match: {source: b}, route: [{weight: 100}]}
- {precedence: 5, route: [{weight: 100}]}
- {match: {source: c}, route: [{weight: 100}]}`);
  assertEquals(rules.map(({ name, match }) => [name, match?.callers?.[0]]), [
    ["precedence 5", undefined],
    ["precedence 0", "a"],
    ["precedence 0 (2)", "b"],
    ["precedence 0 (3)", "c"],
  ]);
});

for (const [yaml, warning] of [["[{", /is not valid YAML/], ["{a: 1}", /is no list/]] as const) {
  Deno.test(`original route rules, ${yaml} has no effect, with a warning`, () => {
    const { rules, warnings } = read(yaml);
    assertEquals(rules, []);
    assert.match(warnings.join(), warning);
  });
}

for (const nothing of ["", null, undefined, "[]"]) {
  Deno.test(`original route rules, ${JSON.stringify(nothing)} is no rule`, () => {
    assertEquals(read(nothing), { rules: [], warnings: [] });
  });
}
