import { assert, assertEquals } from "@test/assert";
import { diffConfig, needsRestart, restartPaths } from "../../../lib/config/diff.ts";
import { loadConfig } from "../../../lib/config/load.ts";
import { leafPaths } from "../../../lib/config/paths.ts";
import { printConfig, toPublicForm } from "../../../lib/config/print.ts";
import { loadGood } from "./support.ts";

const files: readonly string[] = [
  "",
  "service: A\nports: [rest:8080, grpc:9000]\nversion: '1.0'\nenvironment: testing",
  "check: [tcp:9, http:/a, http:9/b=204, {type: http, path: '/a,b'}, {type: http, body: 'x|y: z'}]",
  "check: none\nproperties: {b: '1', a: 'true', c: ''}",
  "check: ['http:/x=200=200-201']",
  "registry: http://a:1,b:2",
  "other_apps: [shop, eu.shop]",
  "registry: file:///etc/my%20mesh/s%25.yaml",
  "registry: file:///C:/mesh/s.yaml",
  "registry: 'embedded:'",
  "outbound: unix:/run/a.sock\nadmin: '[::1]:0'\nadvertise: '[2001:db8::7]:9'",
  "advertise: '2001:db8::7'",
  "threads: 3\nvia: true\nhostname: '123'\nregion: 'true'\nzone: '1.0'\nstate_dir: 'C:\\mesh: #1'",
  "timeouts: {connect: 90s, head: 61001ms}\neject: {duration: 0s}\nlimits: {head_bytes: 65537}",
  "retry: {statuses: [], per_try: 90s}\nbalance: {kind: consistent_hash, hash_on: 'cookie:a'}",
  "egress_rules: [{hosts: ['*', '::1'], action: deny}, {hosts: [a], ports: [1], action: allow}]",
  "rate_limits: [{name: a, per: caller, per_second: 0.5, match: {path: /a, percent: 0.07}}]",
  "services: {a.b: {routes: [], retry: {budget_percent: 7}, timeouts: {response: 1s}}, C: {}}",
  "routes: [{name: a, match: {any: [{headers: {a: {not: '1', ignore_case: true}}}]}, to: [{tags: {x: y}}]}]",
  "routes: [{name: a, fault: {delay: 1s, delay_percent: 0.1}, mirror: {version: '2', percent: 7}}]",
  "routes: [{name: a, rewrite: {regex: {pattern: 'a(b)', to: '$1'}}, retry: {budget_percent: 7}}]",
  "routes: [{name: a, redirect: {status: 307, location: $path}, response_headers: {add: {a: b}}}]",
];

for (const file of files) {
  Deno.test(`the printed configuration of ${JSON.stringify(file)} is a file that gives the same`, async () => {
    const config = await loadGood({ file });
    assertEquals(await loadGood({ file: await printConfig(config) }), config);
  });
}

Deno.test("the printed configuration has its keys in the order of the schema and hides the secret", async () => {
  const env = {
    MESHER_ADMIN_TOKEN: "sesame-open",
    MESHER_REGISTRY_ACCOUNT: "m",
    MESHER_REGISTRY_PASSWORD: "sesame-shut",
    MESHER_REGISTRY_PASSWORD_FILE: "/password",
    MESHER_REGISTRY_CA: "/ca.pem",
    MESHER_REGISTRY_CERT: "/cert.pem",
    MESHER_REGISTRY_KEY: "/key.pem",
    MESHER_SCHEMAS: "/schemas",
    SERVICE_NAME: "A",
    MESHER_PORTS: "8080",
    MESHER_ADVERTISE: "h",
    MESHER_STATE_DIR: "/s",
    MESHER_HOSTNAME: "h",
    MESHER_REGION: "r",
    MESHER_ZONE: "z",
    MESHER_ORIGINAL_CONFIG: "/conf",
  };
  const result = await loadConfig({
    env,
    flags: { log: "debug" },
    readFile: () => Promise.resolve(""),
  });
  assert.ok(result.ok);
  const text = await printConfig(result.config, result.sources);
  assert.ok(!text.includes("sesame"), text);
  assert.match(text, /^admin_token: "?\*{8}"?$/m);
  assert.match(text, /^registry_password: "?\*{8}"?$/m);
  assert.match(text, /^# {3}service: SERVICE_NAME, read as MESHER_SERVICE, which wins when set$/m);
  assert.match(text, /^# {3}log: --log$/m);
  const topKeys = [...new Set(leafPaths.map((path) => path.split(".")[0]!))];
  assertEquals(Object.keys(toPublicForm(result.config)), topKeys);
});

const changes: readonly (readonly [
  before: string,
  after: string,
  changed: string[],
  restart: string[],
])[] = [
  ["", "", [], []],
  ["timeouts: {connect: 60s}", "timeouts: {connect: 1m}", [], []],
  ["timeouts: {connect: 2s}", "log: debug", ["log", "timeouts.connect"], []],
  ["", "zone: a", ["zone"], ["zone"]],
  ["zone: a", "", ["zone"], ["zone"]],
  ["properties: {a: x, b: y}", "properties: {b: y, a: x}", [], []],
  ["check: tcp", "check: http:/x", ["check"], []],
  ["", "outbound: 9\ncheck: none", ["check", "outbound"], ["outbound"]],
  ["admin_token: sesame-open", "admin_token: sesame-shut", ["admin_token"], []],
  ["heartbeat: {times: 3}", "heartbeat: {times: 4}", ["heartbeat.times"], ["heartbeat.times"]],
  ["routes: [{name: a}]", "routes: [{name: a, match: {}}]", ["routes"], []],
  ["services: {a: {}, b: {}}", "services: {b: {fault: {delay: 1s}}, c: {}}", [
    "services.a",
    "services.b",
    "services.c",
  ], []],
];

for (const [before, after, changed, restart] of changes) {
  Deno.test(`the change from ${JSON.stringify(before)} to ${JSON.stringify(after)} is seen`, async () => {
    const paths = diffConfig(await loadGood({ file: before }), await loadGood({ file: after }));
    assertEquals(paths, changed);
    assertEquals(needsRestart(paths), restart);
  });
}

Deno.test("the table of restart keys names keys that exist", () => {
  assertEquals([...restartPaths].filter((path) => !leafPaths.includes(path)), []);
});
