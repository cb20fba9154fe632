import { assert, assertEquals } from "@test/assert";
import { problemLines } from "./support.ts";

/** The one problem line of a file that holds this text; `(from mesher.yaml line N)` is left out here. */
const refused: readonly (readonly [yaml: string, line: string])[] = [
  [
    "timeouts: {connect: 1 second}",
    'timeouts.connect: "1 second" is not a duration; write for example 250ms, 1s or 2m',
  ],
  [
    "timeouts: {connect: 5}",
    "timeouts.connect: 5 is not a duration; write for example 250ms, 1s or 2m",
  ],
  ["timeouts: {connect: 0s}", 'timeouts.connect: "0s" is too short; at least 1ms'],
  ["timeouts: {connect: 1000h}", 'timeouts.connect: "1000h" is too long; at most 596h'],
  ["discovery: {poll: 10ms}", 'discovery.poll: "10ms" is too short; at least 100ms'],
  [
    "limits: {head_bytes: 64KB}",
    'limits.head_bytes: "64KB" is not a size; write bytes such as 65536, or for example 64KiB or 1MiB',
  ],
  ["limits: {head_bytes: 10}", "limits.head_bytes: 10 is out of range; from 1KiB to 16MiB"],
  [
    "limits: {hops: 1.5}",
    "limits.hops: 1.5 is not a whole number from 1 to 255",
  ],
  ["guard: {shrink_percent: 101}", "guard.shrink_percent: 101 is not a whole number from 0 to 100"],
  ["threads: 0", "threads: 0 is neither auto nor a whole number from 1 to 256"],
  ["via: yes", 'via: "yes" is neither true nor false'],
  [
    "log: warning",
    'log: "warning" is not one of error, warn, info, debug; did you mean warn?',
  ],
  [
    "environment: prod",
    'environment: "prod" is not one of "" (empty), development, testing, acceptance, production; did you mean production?',
  ],
  ["version: 1.0", "version: 1 is read as a number; put it in quotes"],
  [
    "version: 1.0.70000",
    'version: "1.0.70000" is not a version (one to four numbers up to 32767, with dots); write for example 1.0.2',
  ],
  [
    "other_apps: [shop, a b]",
    'other_apps.1: "a b" is not an application name; write for example shop or shop,billing',
  ],
  [
    "other_apps: 'shop,-'",
    'other_apps: "shop,-" is not an application name; write for example shop or shop,billing',
  ],
  ["app: true", "app: true is read as a boolean; put it in quotes"],
  [
    "app: a b",
    'app: "a b" is not an application name (letters and digits, inside also _ - and ., at most 160); write for example shop',
  ],
  [
    "ports: rest:70000",
    'ports: "rest:70000" is not a port with its protocol; write for example rest:8080 or rest:8080,grpc:9000',
  ],
  [
    "ports: [8080, REST:1]",
    'ports.1: "REST:1" is not a port with its protocol; write for example rest:8080 or rest:8080,grpc:9000',
  ],
  [
    "ports: rest:1,http:2",
    'ports: "rest:1,http:2" names the protocol rest twice; give the second a name such as rest-admin:2',
  ],
  [
    "check: http/healthz",
    'check: "http/healthz" is not a check; write for example tcp, tcp:9000, http:/healthz, http:9000/healthz=200-299 or none',
  ],
  [
    "check: [tcp, tpc]",
    'check.1: "tpc" is not a check; write for example tcp, tcp:9000, http:/healthz, http:9000/healthz=200-299 or none',
  ],
  [
    "check: [{type: htp}]",
    'check.0.type: "htp" must be tcp or http; did you mean http?',
  ],
  [
    "check: {type: http, bdy: x}",
    'check.bdy: "x" is not a key of a check of type http; did you mean body?',
  ],
  ["check: {type: http, body: '['}", 'check.body: "[" is not a regular expression'],
  [
    "check: {type: http, status: 300-200}",
    'check.status: "300-200" is not a range of statuses; write for example "200-299"',
  ],
  [
    "check: {type: http, path: healthz}",
    'check.path: "healthz" is not a path; write for example /healthz',
  ],
  ["check: {type: tcp, port: 0}", "check.port: 0 is not a port from 1 to 65535"],
  ["properties: {weight: 3}", "properties.weight: 3 is not text; put it in quotes"],
  [
    "properties: [a]",
    'properties: ["a"] is not a set of properties; write k: v lines below it, or k=v,k2=v2',
  ],
  [
    "properties: abc",
    'properties: "abc" is not a list of properties; write for example k=v,k2=v2',
  ],
  [
    "inbound: unix:/run/m.sock",
    'inbound: "unix:/run/m.sock" is a unix socket, but other hosts have to reach this listener',
  ],
  [
    "outbound: 1.2.3.999:80",
    'outbound: "1.2.3.999:80" is not an address; write for example 127.0.0.1:30101, [::1]:30101, :0 or unix:/run/mesher.sock',
  ],
  [
    "registry_listen: 99999",
    "registry_listen: 99999 is not an address; write for example 127.0.0.1:30100, [::1]:30100 or :0",
  ],
  [
    "advertise: '0.0.0.0'",
    'advertise: "0.0.0.0" cannot be reached from anywhere; write an address of this host',
  ],
  [
    "advertise: 10.0.0.7:0",
    'advertise: "10.0.0.7:0" is not a host or host:port; write for example 10.0.0.7, 10.0.0.7:30103 or [2001:db8::7]:30103',
  ],
  [
    "timeouts: 5s",
    'timeouts: "5s" is not a set of keys; write its keys on lines of their own below it, indented',
  ],
  [
    "timeouts: {conect: 1s}",
    "timeouts.conect: is not a key of the configuration; did you mean timeouts.connect?",
  ],
  [
    "maxAttempts: 1",
    "maxAttempts: is not a key of the configuration; did you mean retry.max_attempts?",
  ],
  [
    "retry: {maxAttempts: 1}",
    "retry.maxAttempts: is not a key of the configuration; did you mean retry.max_attempts?",
  ],
  ["timeout: {connect: 1s}", "timeout: is not a key of the configuration; did you mean timeouts?"],
  [
    "admin-token: sesame-open",
    "admin-token: is not a key of the configuration; did you mean admin_token?",
  ],
  ["__proto__: {log: debug}", "__proto__: is not a key of the configuration"],
  ["interval: 1s", "interval: is not a key of the configuration"],
  ["check: [{path: /a}]", "check.0.type: must be tcp or http"],
  ["constructor: 1", "constructor: is not a key of the configuration"],
  ["timeouts: {__proto__: {connect: 5s}}", "timeouts.__proto__: is not a key of the configuration"],
];

for (const [yaml, line] of refused) {
  Deno.test(`the schema refuses: ${JSON.stringify(yaml)}`, async () => {
    assertEquals(await problemLines({ file: yaml }), [`${line} (from mesher.yaml line 1)`]);
  });
}

const forms =
  "write for example http://10.0.0.5:30100, file:///etc/mesher/services.yaml, embedded: or auto";
const badRegistries: readonly (readonly [string, string])[] = [
  ["10.0.0.5:30100", `is not a registry URL; ${forms}; did you mean http://10.0.0.5:30100?`],
  ["nonsense", `is not a registry URL; ${forms}`],
  ["zookeeper://h:1", `is not a registry URL; ${forms}`],
  ["http://a:1,ftp://b:2", `is not a list of registry URLs; ${forms}`],
  ["http://", `is not a list of registry URLs; ${forms}`],
  ["http://a:1,https://b:2", "mixes http and https; use one of them for all registry addresses"],
  ["http://a:1/v4", "has more than scheme, host and port; leave the rest out"],
  [
    "file://services.yaml",
    "is not the URL of a file; write three slashes and the whole path, for example file:///etc/mesher/services.yaml",
  ],
  ...["consul", "etcd", "nacos", "eureka", "kubernetes", "dns"].map((scheme) =>
    [
      `${scheme}://there`,
      `needs the registry backend ${scheme}, which this version does not have yet; ${forms}`,
    ] as const
  ),
];

for (const [url, line] of badRegistries) {
  Deno.test(`the registry URL ${url} is refused with a reason`, async () => {
    assertEquals(await problemLines({ env: { MESHER_REGISTRY: url } }), [
      `registry: ${JSON.stringify(url)} ${line} (from MESHER_REGISTRY)`,
    ]);
  });
}

Deno.test("a password in a registry URL is refused and not shown", async () => {
  const [line] = await problemLines({ env: { MESHER_REGISTRY: "http://me:pass@sc:30100" } });
  assertEquals(
    line,
    'registry: "http://********@sc:30100" holds a user name or password, which this version cannot use; leave it out' +
      " (from MESHER_REGISTRY)",
  );
});

Deno.test("a bad secret is refused and not shown, wherever it stands", async () => {
  const lines = [
    ...await problemLines({ env: { MESHER_ADMIN_TOKEN: "geheim" } }),
    ...await problemLines({ flags: { admin_token: "geheim" } }),
    ...await problemLines({ file: "admin_token: [geheim]" }),
    ...await problemLines({ file: "admin_tokn: geheim" }),
    ...await problemLines({ env: { MESHER_ADMIN_TOKN: "geheim" } }),
    ...await problemLines({ file: "admin_token: *geheim" }),
    ...await problemLines({ file: "admin_token: @geheim" }),
    ...await problemLines({ file: "admin_token: |geheim" }),
    ...await problemLines({ file: 'admin_token: "geheim' }),
  ];
  assertEquals(lines.length, 9);
  for (const line of lines) assert.ok(!line.includes("geheim"), line);
});

Deno.test("all mistakes of all sources are reported at once", async () => {
  const lines = await problemLines({
    file: "log: loud\ntimeouts:\n  # a comment\n  head: soon\n  idel: 1s\n",
    env: { MESHER_THREADS: "many", MESHER_NOPE: "1" },
    flags: { "via": "perhaps" },
  });
  assertEquals(lines.map((line) => /^(\S+):.*\(from (.*)\)$/.exec(line)?.slice(1)), [
    ["log", "mesher.yaml line 1"],
    ["threads", "MESHER_THREADS"],
    ["via", "--via"],
    ["timeouts.head", "mesher.yaml line 4"],
    ["timeouts.idel", "mesher.yaml line 5"],
    ["MESHER_NOPE", "the environment"],
  ]);
});
