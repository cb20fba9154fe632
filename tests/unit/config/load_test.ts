import { assert, assertEquals } from "@test/assert";
import { loadConfig } from "../../../lib/config/load.ts";
import { formatProblem } from "../../../lib/config/problem.ts";
import { flagOf, leafPaths, variableOf } from "../../../lib/config/paths.ts";
import { load, loadGood, problemLines } from "./support.ts";

Deno.test("flags win over the environment, the environment over the file, the file over the default", async () => {
  const file = "log: error";
  const env = { MESHER_LOG: "warn" };
  const flags = { log: "debug" };
  const seen = [];
  for (const given of [{}, { file }, { file, env }, { file, env, flags }]) {
    const result = await load(given);
    assert.ok(result.ok);
    seen.push([result.config.log, result.sources["log"]]);
  }
  assertEquals(seen, [
    ["info", { kind: "default", name: "default" }],
    ["error", { kind: "file", name: "mesher.yaml" }],
    ["warn", { kind: "environment", name: "MESHER_LOG" }],
    ["debug", { kind: "flag", name: "--log" }],
  ]);
});

Deno.test("keys of one group may come from different sources", async () => {
  const { timeouts } = await loadGood({
    file: "timeouts: {connect: 2s, response: 2s, head: 2s}",
    env: { MESHER_TIMEOUTS_RESPONSE: "3s", MESHER_TIMEOUTS_HEAD: "3s" },
    flags: { "timeouts.head": "4s" },
  });
  assertEquals(
    [timeouts.connectMs, timeouts.responseMs, timeouts.headMs, timeouts.resolveMs],
    [2000, 3000, 4000, 1000],
  );
});

Deno.test("a bad value of a source that is overruled is not complained about", async () => {
  assertEquals(await problemLines({ file: "log: loud", env: { MESHER_LOG: "warn" } }), []);
});

Deno.test("a variable for a key of a group that the file spoils does not hide the mistake", async () => {
  const env = { MESHER_TIMEOUTS_CONNECT: "1s" };
  assertEquals(await problemLines({ file: "timeouts: 5s", env }), [
    'timeouts: "5s" is not a set of keys; write its keys on lines of their own below it, indented (from mesher.yaml line 1)',
  ]);
});

Deno.test("every key has a variable and a flag of its own by the one rule", () => {
  assertEquals(variableOf("timeouts.body_idle"), "MESHER_TIMEOUTS_BODY_IDLE");
  assertEquals(flagOf("timeouts.body_idle"), "--timeouts.body-idle");
  assertEquals(new Set(leafPaths.map(variableOf)).size, leafPaths.length);
  assertEquals(new Set(leafPaths.map(flagOf)).size, leafPaths.length);
  assert.ok(leafPaths.length > 100, String(leafPaths.length));
});

/** Good texts for keys, as they would be written into a variable. */
const samples: Readonly<Record<string, string>> = {
  service: "AccountService",
  app: "shop",
  version: "2.0",
  environment: "testing",
  ports: "rest:8080,grpc:9000",
  check: "none",
  properties: "a=1",
  allow_cross_app: "true",
  other_apps: "billing,stock",
  schemas: "/etc/mesher/schemas",
  registry: "embedded:",
  registry_account: "mesher",
  registry_password: "sesame-open",
  registry_password_file: "/run/secrets/password",
  registry_ca: "/etc/ca.pem",
  registry_cert: "/etc/client.pem",
  registry_key: "/etc/client-key.pem",
  registry_project: "p1",
  registry_tenant: "t1",
  registry_listen: "127.0.0.1:1",
  outbound: "127.0.0.1:2",
  admin: "127.0.0.1:3",
  inbound: "127.0.0.1:4",
  advertise: "10.0.0.7:5",
  state_dir: "/tmp/state",
  log: "debug",
  threads: "2",
  net: "portable",
  egress: "deny",
  via: "true",
  hostname: "vm-7",
  region: "r1",
  zone: "az1",
  admin_token: "sesame-open",
  "limits.head_bytes": "32KiB",
  "limits.replay_bytes": "32KiB",
  "discovery.watch": "false",
  "retry.base_delay": "1ms",
  "routing.default_version": "latest",
  original_config: "/etc/mesher/conf",
  egress_rules: '[{"hosts": ["*.example"], "action": "deny"}]',
  rate_limits: '[{"name": "a", "per_second": 2}]',
  routes: '[{"name": "a", "to": [{"version": "1.0"}]}]',
  services: '{"Cart": {"retry": {"max_attempts": 1}}}',
  "provider.rate_limits": '[{"name": "a", "per_second": 2}]',
  "balance.kind": "random",
  "balance.hash_on": "cookie:uid",
  "balance.locality": "off",
  "outlier.enabled": "false",
  "retry.statuses": "502,504",
  "retry.hedge": "true",
  "breaker.enabled": "true",
  "breaker.force": "open",
  "concurrency.adaptive": "true",
  "provider.concurrency.adaptive": "true",
  "fault.abort_status": "500",
  "provider.fault.abort_status": "500",
  "tracing.endpoint": "http://collector:4318",
  "tracing.format": "zipkin",
  "tracing.headers_file": "/etc/keys",
  "tracing.propagate": "b3,w3c",
  "access_log.enabled": "true",
  "access_log.format": "%{status}",
  "access_log.file": "/var/log/access.log",
};

function sampleOf(path: string): string {
  const isNumber =
    /(fields|connections|hops|parked|attempts|percent|second|times|rise|fall|failures|requests|limit|queue)$/;
  return samples[path] ?? (isNumber.test(path) ? "7" : "7s");
}

Deno.test("every key can be set by its variable alone, and by its flag alone", async () => {
  const env = Object.fromEntries(leafPaths.map((path) => [variableOf(path), sampleOf(path)]));
  const flags = Object.fromEntries(leafPaths.map((path) => [path, sampleOf(path)]));
  // The folder of the original is there and says nothing.
  const readFile = () => Promise.resolve("");
  const byVariable = await loadConfig({ env, flags: {}, readFile });
  const byFlag = await loadConfig({ env: {}, flags, readFile });
  assert.ok(byVariable.ok && byFlag.ok, JSON.stringify(byVariable));
  assertEquals(byVariable.config, byFlag.config);
  for (const path of leafPaths) {
    assertEquals(byVariable.sources[path], { kind: "environment", name: variableOf(path) });
    assertEquals(byFlag.sources[path], { kind: "flag", name: flagOf(path) });
  }
});

const aliasRows: readonly (readonly [name: string, value: string, path: string, own: string])[] = [
  ["PAAS_CSE_SC_ENDPOINT", "http://old:1", "registry", "http://new:1"],
  ["PAAS_CSE_ENDPOINT", "http://old:1", "registry", "http://new:1"],
  ["CSE_REGISTRY_ADDR", "http://old:1", "registry", "http://new:1"],
  ["CSE_PROJECT_ID", "old", "registry_project", "new"],
  ["SERVICE_NAME", "Old", "service", "New"],
  ["CAS_COMPONENT_NAME", "Old", "service", "New"],
  ["APP_ID", "old", "app", "new"],
  ["CAS_APPLICATION_NAME", "old", "app", "new"],
  ["VERSION", "1.1", "version", "2.2"],
  ["CAS_INSTANCE_VERSION", "1.1", "version", "2.2"],
  ["ENVIRONMENT", "testing", "environment", "production"],
  ["SERVICE_PORTS", "rest:1", "ports", "rest:2"],
  ["MD", "a=1|b=2", "properties", "a=3"],
];

for (const [name, value, path, own] of aliasRows) {
  Deno.test(`the original's variable ${name} sets ${path} and loses against the own one`, async () => {
    const needed = path === "service" ? { MESHER_PORTS: "8080" } : {};
    const byAlias = await load({ env: { ...needed, [name]: value } });
    const byFlag = await load({ flags: { [path]: value }, env: needed });
    assert.ok(byAlias.ok && byFlag.ok);
    assertEquals(byAlias.config, byFlag.config);
    const aliasOf = variableOf(path);
    assertEquals(byAlias.sources[path], { kind: "environment", name, aliasOf });

    const both = await load({ env: { ...needed, [name]: value, [aliasOf]: own } });
    const ownOnly = await load({ env: { ...needed, [aliasOf]: own } });
    assert.ok(both.ok && ownOnly.ok);
    assertEquals(both.config, ownOnly.config);
    assertEquals(both.sources[path], { kind: "environment", name: aliasOf });
  });
}

Deno.test("of several aliases the first of the table wins", async () => {
  const { registry } = await loadGood({
    env: {
      CSE_REGISTRY_ADDR: "http://third:1",
      PAAS_CSE_ENDPOINT: "http://second:1",
      PAAS_CSE_SC_ENDPOINT: "http://first:1",
    },
  });
  assertEquals(registry, { kind: "servicecenter", urls: ["http://first:1"] });
});

Deno.test("an alias set for something else is a clear error, unless the own variable is set", async () => {
  assertEquals(await problemLines({ env: { VERSION: "abc" } }), [
    'version: "abc" is not a version (one to four numbers up to 32767, with dots); write for example 1.0.2 (from VERSION, read as MESHER_VERSION, which wins when set)',
  ]);
  assertEquals(await problemLines({ env: { VERSION: "abc", MESHER_VERSION: "1.0" } }), []);
});

const propertyRows: readonly (readonly [string, Record<string, string>])[] = [
  ["a=1,b=2", { a: "1", b: "2" }],
  ["a=1|b=2", { a: "1", b: "2" }],
  ["a=1,2|b=x=y|", { a: "1,2", b: "x=y" }],
  ["a=", { a: "" }],
  [" a = 1 , b=2,", { a: "1", b: "2" }],
  ["__proto__=x", Object.fromEntries([["__proto__", "x"]])],
];
for (const [text, expected] of propertyRows) {
  Deno.test(`the properties ${JSON.stringify(text)} are read from a variable`, async () => {
    const { properties } = await loadGood({ env: { MESHER_PROPERTIES: text } });
    assertEquals(properties, expected);
  });
}

Deno.test("an empty variable counts as not set, so that the file or the default stands", async () => {
  const config = await loadGood({
    file: "log: error",
    env: { MESHER_LOG: "", MESHER_SERVICE: " ", VERSION: "", MESHER_CONFIG: "" },
  });
  assertEquals([config.log, config.service, config.version], ["error", undefined, "0.0.1"]);
});

Deno.test("an unknown MESHER_ variable is an error with the nearest name, others are left alone", async () => {
  const env = { MESHER_TIMEOUT_CONNECT: "2s", MESHER_PORT: "8080", HOME: "/root", MESHERX: "1" };
  assertEquals(await problemLines({ env }), [
    "MESHER_TIMEOUT_CONNECT: is not a variable of mesher; did you mean MESHER_TIMEOUTS_CONNECT? (from the environment)",
    "MESHER_PORT: is not a variable of mesher; did you mean MESHER_PORTS? (from the environment)",
  ]);
});

Deno.test("variables that Kubernetes makes for services called mesher are no mistakes", async () => {
  const env = {
    MESHER_SERVICE_HOST: "10.0.0.1",
    MESHER_SERVICE_PORT: "30100",
    MESHER_SERVICE_PORT_HTTP: "30100",
    MESHER_PORT: "tcp://10.0.0.1:30100",
    MESHER_PORT_30100_TCP: "tcp://10.0.0.1:30100",
    MESHER_PORT_30100_TCP_PROTO: "tcp",
    MESHER_PORT_30100_TCP_PORT: "30100",
    MESHER_PORT_30100_TCP_ADDR: "10.0.0.1",
    MESHER_REGISTRY_SERVICE_HOST: "10.0.0.1",
    MESHER_REGISTRY_SERVICE_PORT: "30100",
    MESHER_REGISTRY_PORT: "tcp://10.0.0.1:30100",
    MESHER_REGISTRY_PORT_30100_TCP: "tcp://10.0.0.1:30100",
  };
  assertEquals(await loadGood({ env }), await loadGood({}));
  assertEquals(await problemLines({ env: { MESHER_SERVICE_PORT: "8080" } }), [
    "MESHER_SERVICE_PORT: is not a variable of mesher; did you mean MESHER_SERVICE? (from the environment)",
  ]);
});

Deno.test("a flag path that does not exist is an error", async () => {
  assertEquals(await problemLines({ flags: { "timeouts.nope": "1" } }), [
    "--timeouts.nope: is not a key (from the command line)",
  ]);
});

Deno.test("MESHER_CONFIG names the file, and the command line names another one", async () => {
  const asked: string[] = [];
  const readFile = (path: string) => {
    asked.push(path);
    return Promise.resolve("log: debug");
  };
  const env = { MESHER_CONFIG: "a.yaml" };
  const byVariable = await loadConfig({ flags: {}, env, readFile });
  const byFlag = await loadConfig({ flags: {}, env, readFile, path: "b.yaml" });
  const none = await loadConfig({ flags: {}, env: {}, readFile });
  assert.ok(byVariable.ok && byFlag.ok && none.ok);
  assertEquals(asked, ["a.yaml", "b.yaml"]);
  assertEquals(byVariable.file, { path: "a.yaml", text: "log: debug" });
  assertEquals([none.config.log, none.file], ["info", undefined]);
});

Deno.test("a file that does not exist or cannot be read is a problem that names it", async () => {
  const ways = [
    { readFile: () => Promise.resolve(undefined), path: "x.yaml" },
    { readFile: () => Promise.reject(new Error("permission denied")), path: "x.yaml" },
    { readFile: () => Promise.resolve(undefined) },
  ];
  const lines = [];
  for (const way of ways) {
    const result = await loadConfig({ flags: {}, env: { MESHER_CONFIG: "y.yaml" }, ...way });
    assert.ok(!result.ok);
    lines.push(...result.problems.map(formatProblem));
  }
  assertEquals(lines, [
    "x.yaml: does not exist; name an existing file or none (from the command line)",
    "x.yaml: cannot be read: permission denied (from the command line)",
    "y.yaml: does not exist; name an existing file or none (from MESHER_CONFIG)",
  ]);
});

Deno.test("a failed load hands back the text it read, so that the same text is not tried again", async () => {
  const result = await load({ file: "log: loud" });
  assertEquals(result.file, { path: "mesher.yaml", text: "log: loud" });
});
