import { assert, assertEquals } from "@test/assert";
import { loadConfig } from "../../../../lib/config/load.ts";
import { flatten, flatVariables } from "../../../../lib/config/original/flatten.ts";
import { formatProblem } from "../../../../lib/config/problem.ts";

const files: Readonly<Record<string, string>> = {
  "/conf/chassis.yaml": "servicecomb: {transport: {failure: {rest: http_500}}}",
  "/conf/load_balancing.yaml":
    "cse: {loadbalance: {strategy: {name: '${LB||Random}'}, retryEnabled: true, retryOnNext: 4}}",
  "/conf/circuit_breaker.yaml":
    "cse: {isolation: {Consumer: {timeoutInMilliseconds: 1000, Cart: {maxConcurrentRequests: 5}}}}",
  "/broken/chassis.yaml": "cse: [",
};

function load(
  { env = {}, own }: { readonly env?: Record<string, string>; readonly own?: string },
) {
  return loadConfig({
    flags: {},
    env,
    path: "mesher.yaml",
    readFile: (path) => Promise.resolve(path === "mesher.yaml" ? own ?? "" : files[path]),
  });
}

Deno.test("files of the original lie below the own file, its variables above, own variables above both", async () => {
  const seen = [];
  const conf = { MESHER_ORIGINAL_CONFIG: "/conf" };
  const own = "balance: {kind: sticky}\nservices: {Cart: {concurrency: {queue: 3}}}";
  const theirs = { cse_loadbalance_strategy_name: "WeightedResponse" };
  const ours = { MESHER_BALANCE_KIND: "round_robin" };
  for (
    const given of [
      { env: conf },
      { env: conf, own },
      { env: { ...conf, ...theirs }, own },
      { env: { ...conf, ...theirs, ...ours }, own },
    ]
  ) {
    const result = await load(given);
    assert.ok(result.ok, JSON.stringify(result));
    const { kind, name } = result.sources["balance.kind"]!;
    seen.push([result.config.balance.kind, `${kind} ${name}`]);
    assertEquals(result.config.retry.statuses, [500]);
    assertEquals(result.config.services["Cart"]?.concurrency?.limit, 5);
  }
  assertEquals(seen, [
    ["random", "original /conf"],
    ["sticky", "file mesher.yaml"],
    ["weighted_response", "original variables"],
    ["round_robin", "environment MESHER_BALANCE_KIND"],
  ]);
});

Deno.test("variables and files of the original are understood together", async () => {
  const result = await load({
    env: { MESHER_ORIGINAL_CONFIG: "/conf", "cse.loadbalance.retryOnSame": "1", LB: "RoundRobin" },
  });
  assert.ok(result.ok);
  assertEquals([result.config.retry.maxAttempts, result.config.balance.kind], [10, "round_robin"]);
  assertEquals(result.sources["retry.max_attempts"], { kind: "original", name: "variables" });
  assertEquals(result.sources["balance.kind"], { kind: "original", name: "/conf" });
});

Deno.test("keys of the original without an equal are warnings with the place they came from", async () => {
  const result = await load({
    env: { MESHER_ORIGINAL_CONFIG: "/conf", cse_circuitBreaker_Provider_enabled: "true" },
  });
  assert.ok(result.ok);
  assertEquals(result.warnings.map(formatProblem), [
    "cse.loadbalance.retryEnabled: requests that may have been processed are repeated only if their method is idempotent, and within a budget (from /conf)",
    "cse.circuitBreaker.Provider.enabled: the provider's side has no breaker; provider.concurrency bounds its load (from the environment)",
  ]);
});

const bad: readonly (readonly [path: string, line: RegExp])[] = [
  ["/nowhere", /^original_config: names \/nowhere, which holds none of chassis\.yaml,/],
  ["/nowhere/x.yaml", /^original_config: names \/nowhere\/x\.yaml, which does not exist/],
  ["/broken", /^\/broken\/chassis\.yaml: is not valid YAML/],
];

for (const [path, line] of bad) {
  Deno.test(`the original's configuration at ${path} is a problem that says why`, async () => {
    const result = await load({ own: `original_config: ${path}` });
    assert.ok(!result.ok);
    assertEquals(result.problems.length, 1);
    assert.match(formatProblem(result.problems[0]!), line);
  });
}

Deno.test("one file of the original can be named instead of a folder", async () => {
  const result = await load({ own: "original_config: /conf/circuit_breaker.yaml" });
  assert.ok(result.ok);
  assertEquals(result.config.timeouts.responseMs, 1000);
  assertEquals(result.config.balance.kind, "round_robin");
});

const texts: readonly (readonly [text: string, value: string])[] = [
  ["${NAME||x}", "Web"],
  ["${NONE||x}", "x"],
  ["${EMPTY||x}", "x"],
  ["a-${NAME^^||x}-${NAME,,||y}", "a-WEB-web"],
  ["${NONE||}", ""],
  ["${NAME}", "${NAME}"],
];

for (const [text, value] of texts) {
  Deno.test(`the text ${text} of the original's files is expanded`, () => {
    const flat = flatten({ a: { b: text } }, { NAME: "Web", EMPTY: "" });
    assertEquals([...flat], [["a.b", value]]);
  });
}

Deno.test("keys of files become flat whether they are nested or written with dots", () => {
  const tree = { cse: { "loadbalance.strategy": { name: "Random" } }, a: [1], b: null, c: true };
  assertEquals([...flatten(tree, {})], [
    ["cse.loadbalance.strategy.name", "Random"],
    ["a", "[1]"],
    ["c", true],
  ]);
});

Deno.test("variables are keys on traffic in dots or in underscores, their letters as they are", () => {
  const env = {
    "cse.isolation.Consumer.my_cart.timeoutInMilliseconds": "5",
    cse_loadbalance_strategy_name: "Random",
    cse_loadbalance_retryEnabled: " ",
    CSE_LOADBALANCE_STRATEGY_NAME: "Random",
    cse_credentials_account_password: "geheim",
    HOME: "/root",
  };
  assertEquals([...flatVariables(env)], [
    ["cse.isolation.Consumer.my_cart.timeoutInMilliseconds", "5"],
    ["cse.loadbalance.strategy.name", "Random"],
  ]);
});
