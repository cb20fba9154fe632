/** What routing costs a request: by number of rules, by kind of condition, by way of choosing a target. */
import type { RequestMatch, RouteRule, TextMatch } from "../../lib/core/traffic.ts";
import { compileEgress } from "../../lib/data/routing/egress.ts";
import type { RequestFacts } from "../../lib/data/routing/facts.ts";
import { decideFault } from "../../lib/data/routing/fault.ts";
import { compileMatch } from "../../lib/data/routing/match.ts";
import { compilePathRewrite } from "../../lib/data/routing/rewrite.ts";
import { compileRoutes } from "../../lib/data/routing/router.ts";

const cookie = "session=0123456789abcdef0123456789abcdef; theme=dark; u=1";
const headers = new Map([["x-user", "user-4711"], ["cookie", cookie], ["x-canary", "yes"]]);
const facts: RequestFacts = {
  method: "GET",
  path: "/api/v1/items/42",
  query: "expand=price&page=3",
  header: (name) => headers.get(name),
  caller: "frontend",
  source: "10.0.0.7",
};

const two = [{ subset: { version: "1.0" }, weight: 90 }, {
  subset: { version: "1.1" },
  weight: 10,
}];

/** Rules that do not fit, and one behind them that takes all. */
function rulesBefore(count: number, match: (index: number) => RequestMatch): readonly RouteRule[] {
  const misses = Array.from({ length: count }, (_, index) => ({
    name: `rule ${index}`,
    match: match(index),
    targets: two,
  }));
  return [...misses, { name: "all", targets: two }];
}

const none = compileRoutes([]);
Deno.bench("0 rules", { group: "rules", baseline: true }, () => {
  none?.decide(facts, Math.random);
});
for (const count of [1, 20, 200]) {
  const byPath = compileRoutes(
    rulesBefore(count - 1, (index) => ({ path: { prefix: `/other/${index}/` } })),
  )!;
  Deno.bench(`${count} rules, by path`, { group: "rules" }, () => {
    byPath.decide(facts, Math.random);
  });
  const byHeader = compileRoutes(
    rulesBefore(count - 1, (index) => ({
      methods: ["GET"],
      headers: [{ name: "x-user", value: { exact: `user-${index}` } }],
    })),
  )!;
  Deno.bench(`${count} rules, by method and header`, { group: "rules" }, () => {
    byHeader.decide(facts, Math.random);
  });
}

const sticky = compileRoutes([
  { name: "canary", targets: two, sticky: { kind: "header", name: "x-user" } },
])!;
Deno.bench("a target by turns", { group: "target" }, () => {
  turns.decide(facts, Math.random);
});
const turns = compileRoutes([{ name: "canary", targets: two }])!;
Deno.bench("a target by key", { group: "target" }, () => {
  sticky.decide(facts, Math.random);
});

const regex: TextMatch = { regex: "^(.*?;)?( *u=1)(;.*)?$" };
const conditions: Readonly<Record<string, RequestMatch>> = {
  "header, exact": { headers: [{ name: "x-canary", value: { exact: "yes" } }] },
  "header, any case": {
    headers: [{ name: "x-canary", value: { exact: "YES", ignoreCase: true } }],
  },
  "header, regex of 57 characters": { headers: [{ name: "cookie", value: regex }] },
  "cookie": { cookies: [{ name: "u", value: { exact: "1" } }] },
  "query, number": { queries: [{ name: "page", value: { atLeast: 2 } }] },
  "path, regex of 16 characters": { path: { regex: "^/api/v[0-9]+/items/" } },
  "share": { share: 0.1 },
  "share by key": { share: 0.1, sticky: { kind: "header", name: "x-user" } },
};
for (const [name, match] of Object.entries(conditions)) {
  const fits = compileMatch(match, "rule");
  Deno.bench(`match, ${name}`, { group: "match" }, () => {
    fits(facts, Math.random);
  });
}

const builtIn = new RegExp(regex.regex!);
Deno.bench("the same cookie regex in the built-in engine", { group: "match" }, () => {
  builtIn.test(cookie);
});

const prefix = compilePathRewrite({ prefix: { from: "/api/v1", to: "/v2" } });
const groups = compilePathRewrite({
  regex: { pattern: "^/api/v1/([^/]+)/(.*)$", to: "/$1?id=$2" },
});
const fault = { delay: { ms: 5, share: 0.01 }, abort: { status: 503, share: 0.01 } };
const rest = {
  "path rewrite, prefix": () => prefix("/api/v1/items/42?expand=price"),
  "path rewrite, regex with groups": () => groups("/api/v1/items/42?expand=price"),
  "fault": () => decideFault(fault, Math.random),
};
for (const [name, run] of Object.entries(rest)) {
  Deno.bench(name, { group: "rest" }, () => {
    run();
  });
}

for (const count of [0, 20, 200]) {
  const decide = compileEgress({
    otherwise: "allow",
    rules: Array.from({ length: count }, (_, index) => ({
      hosts: [`host-${index}.example.org`, `*.zone-${index}.example.com`],
      ports: [],
      action: "deny",
    })),
  });
  Deno.bench(`egress, ${count} rules`, { group: "rest" }, () => {
    decide("api.payments.example.net", 443);
  });
}
