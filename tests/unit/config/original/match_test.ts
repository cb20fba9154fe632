/** The original's named matches: what they become, and what each of them fits. */
import { assert, assertEquals } from "@test/assert";
import { readMatch } from "../../../../lib/config/original/match.ts";
import { compileMatch } from "../../../../lib/data/routing/match.ts";
import { factsOf, type FactsOptions, noRandom } from "../../data/routing/facts_support.ts";

const documented = `
matches:
  - headers:
      Cookie:
        regex: "^(.*?;)?(user=jack)(;.*)?$"
      os:
        contains: linux
    apiPath:
      exact: "/some/api"
    method:
      - GET
      - POST
    trafficMarkPolicy: perService
  - method: [DELETE]
`;

const jack = { Cookie: "a=1;user=jack", OS: "linux 6" };

const requests: readonly (readonly [yaml: string, request: FactsOptions, fits: boolean])[] = [
  [documented, { target: "/some/api?x", headers: jack }, true],
  [documented, { target: "/some/api", headers: jack, method: "POST" }, true],
  [documented, { target: "/some/api", headers: jack, method: "PUT" }, false],
  [documented, { target: "/some/api/2", headers: jack }, false],
  [documented, { target: "/some/api", headers: { Cookie: "user=jack" } }, false],
  [documented, { target: "/some/api", headers: { ...jack, Cookie: "user=jackson" } }, false],
  [documented, { method: "DELETE" }, true],
  // Without the list around it, as older releases wrote it.
  ["{headers: {user: {exact: jason}}, method: GET}", { headers: { user: "jason" } }, true],
  [
    "{headers: {user: {exact: jason}}, method: GET}",
    { method: "PUT", headers: { user: "jason" } },
    false,
  ],
  // One test of a path is enough, all tests of a header are needed.
  ["matches: [{apiPath: {exact: /a, contains: b}}]", { target: "/xbx" }, true],
  ["matches: [{apiPath: {exact: /a, contains: b}}]", { target: "/a" }, true],
  ["matches: [{apiPath: {exact: /a, contains: b}}]", { target: "/c" }, false],
  ["matches: [{headers: {n: {noLess: 2, less: 4}}}]", { headers: { n: "3" } }, true],
  ["matches: [{headers: {n: {noLess: 2, less: 4}}}]", { headers: { n: "4" } }, false],
  // A missing header fits nothing.
  ["matches: [{headers: {user: {noEqu: jason}}}]", {}, false],
  ["matches: [{headers: {user: {noEqu: jason}}}]", { headers: { user: "ann" } }, true],
  ["matches: [{headers: {user: {regex: '.*'}}}]", {}, false],
  ["matches: [{queries: {q: {exact: a b}, v: {noLess: 2}}}]", { target: "/?q=a+b&v=2" }, true],
  ["matches: [{queries: {q: {exact: a b}, v: {noLess: 2}}}]", { target: "/?q=a+b&v=1" }, false],
  ["matches: [{queries: {q: {exact: a b}, v: {noLess: 2}}}]", { target: "/?v=2" }, false],
  ["matches: [{method: [get]}]", { method: "GET" }, true],
  ["matches: [{}]", {}, true],
];

for (const [yaml, request, fits] of requests) {
  Deno.test(`original match, ${yaml.trim()} and ${JSON.stringify(request)}: ${fits}`, () => {
    const { match, warnings } = readMatch("m", yaml);
    assertEquals(warnings, []);
    assertEquals(compileMatch(match)(factsOf(request), noRandom), fits);
  });
}

Deno.test("original match, becomes a plain match, with one level of alternatives where it has several", () => {
  assertEquals(readMatch("m", "matches: [{apiPath: {contains: '1.0'}, method: [PUT]}]").match, {
    path: { contains: "1.0" },
    methods: ["PUT"],
  });
  assertEquals(readMatch("m", "matches: [{apiPath: {exact: /a, regex: b}}, {method: PUT}]").match, {
    any: [{ path: { exact: "/a" } }, { path: { regex: "b" } }, { methods: ["PUT"] }],
  });
});

Deno.test("original match, reads what is parsed already", () => {
  const { match, warnings } = readMatch("m", { matches: [{ headers: { n: { less: 5 } } }] });
  assertEquals(warnings, []);
  assertEquals(match, { headers: [{ name: "n", value: { less: 5 } }] });
});

const never: readonly (readonly [yaml: unknown, warning: RegExp])[] = [
  [
    "matches: [{headers: {a: {equal: x}}}]",
    /^servicecomb\.match\.m, match 1: the operator "equal" is not known.*never fits$/,
  ],
  ["matches: [{headers: {a: {less: x}}}]", /"x" is no whole number/],
  ["matches: [{headers: {a: {regex: '('}}}]", /the regular expression "\("/],
  ["matches: [{apiPath: {exact: some/api}}]", /does not begin with \//],
  ["matches: [{queries: {contains: wait}}]", /tests the whole query, which has no equal here/],
  ["matches: [{method: ['a b']}]", /"A B" is no method/],
  ["matches: []", /it has no matches, so it never fits/],
  ["matches: {", /is not valid YAML/],
  ["just a text", /is no map/],
  ["matches: [word]", /"word" is no map/],
];

for (const [yaml, warning] of never) {
  Deno.test(`original match, ${yaml} never fits, with a warning`, () => {
    const { match, warnings } = readMatch("m", yaml);
    assertEquals(match, { share: 0 });
    assertEquals(compileMatch(match)(factsOf(), noRandom), false);
    assertEquals(warnings.length, 1);
    assert.match(warnings[0]!, warning);
  });
}

Deno.test("original match, a part that cannot fit leaves the others in force", () => {
  const { match, warnings } = readMatch("m", "matches: [{headers: {a: {what: 1}}}, {method: PUT}]");
  assertEquals(match, { methods: ["PUT"] });
  assertEquals(warnings.length, 1);
});

const heard: readonly (readonly [yaml: string, warning: RegExp])[] = [
  ["matches: [{method: PUT, trafficMarkPolicy: once}]", /trafficMarkPolicy once is not taken over/],
  ["matches: [{method: PUT, methods: [GET]}]", /methods is not known and is ignored/],
];

for (const [yaml, warning] of heard) {
  Deno.test(`original match, ${yaml} is taken over with a warning`, () => {
    const { match, warnings } = readMatch("m", yaml);
    assertEquals(match, { methods: ["PUT"] });
    assert.match(warnings.join("\n"), warning);
  });
}
