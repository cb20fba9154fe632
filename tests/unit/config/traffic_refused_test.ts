import { assert, assertEquals } from "@test/assert";
import { load, problemLines } from "./support.ts";
import { formatProblem } from "../../../lib/config/problem.ts";

const inMatch = (match: string) => `routes: [{name: a, match: ${match}}]`;
const inRoute = (rest: string) => `routes: [{name: a, ${rest}}]`;
const inLimit = (rest: string) => `rate_limits: [{name: a, per_second: 1, ${rest}}]`;
const inEgress = (rest: string) => `egress_rules: [{${rest}}]`;

const keyForms = "is not a part of a request; write header:NAME, cookie:NAME, source or caller";
const textForms = "is not a condition; write a text, or for example {prefix: /a} or {regex: ^a}";
const fixedHeader =
  "is not a header that can be changed; a name without spaces that belongs neither to the connection nor to mesher";

/** The one problem line of a file that holds this text; `(from mesher.yaml line 1)` is left out here. */
const refused: readonly (readonly [yaml: string, line: string])[] = [
  [
    "balance: {kind: round-robin}",
    'balance.kind: "round-robin" is not one of round_robin, random, least_request, peak_ewma, weighted_response, sticky, consistent_hash; did you mean round_robin?',
  ],
  ["balance: {hash_on: x-user}", `balance.hash_on: "x-user" ${keyForms}`],
  ["balance: {hash_on: 'header:a b'}", `balance.hash_on: "header:a b" ${keyForms}`],
  ["balance: {hash_on: 5}", `balance.hash_on: 5 ${keyForms}`],
  [
    "outlier: {success_percent: 101}",
    "outlier.success_percent: 101 is not a percentage from 0 to 100",
  ],
  [
    "outlier: {panic_percent: '-1'}",
    'outlier.panic_percent: "-1" is not a percentage from 0 to 100',
  ],
  [
    "outlier: {base_ejection: 1s}",
    "outlier.base_ejection: is not a key of the configuration; did you mean outlier.base_eject?",
  ],
  [
    "retry: {statuses: [502, 200]}",
    "retry.statuses.1: 200 is not a status from 400 to 599; write for example [502, 503]",
  ],
  [
    "retry: {statuses: 5xx}",
    'retry.statuses: "5xx" is not a status from 400 to 599; write for example [502, 503]',
  ],
  ["retry: {hedge: maybe}", 'retry.hedge: "maybe" is neither true nor false'],
  ["breaker: {force: on}", 'breaker.force: "on" is not one of none, open, closed'],
  ["breaker: {open: 1ms}", 'breaker.open: "1ms" is too short; at least 100ms'],
  ["fault: {abort_status: 100}", "fault.abort_status: 100 is not a whole number from 200 to 599"],
  [
    "rate_limits: 5",
    "rate_limits: 5 is not a list; write its entries on lines of their own below it, each begun with - (in a variable: JSON)",
  ],
  [
    "rate_limits: [{per_second: 1}]",
    "rate_limits.0.name: is missing; it has to be a name (1 to 128 characters, no line breaks); write for example canary",
  ],
  [
    "rate_limits: [{name: a}]",
    "rate_limits.0.per_second: is missing; it has to be a rate per second from 0.001 to 1000000",
  ],
  [
    "rate_limits: [{name: a, per_second: 0}]",
    "rate_limits.0.per_second: 0 is not a rate per second from 0.001 to 1000000",
  ],
  [inLimit("burst: 0"), "rate_limits.0.burst: 0 is not a whole number from 1 to 1000000"],
  [inLimit("per: user"), `rate_limits.0.per: "user" ${keyForms}`],
  [
    inLimit("rate: 1"),
    "rate_limits.0.rate: is not a key of the configuration",
  ],
  [
    "routes: [5]",
    "routes.0: 5 is not a set of keys; write its keys on lines of their own below it, indented",
  ],
  [
    "routes: [{name: ''}]",
    'routes.0.name: "" is not a name (1 to 128 characters, no line breaks); write for example canary',
  ],
  [
    inRoute("matches: {}"),
    "routes.0.matches: is not a key of the configuration; did you mean routes.0.match?",
  ],
  [
    inMatch("{method: [GET]}"),
    "routes.0.match.method: is not a key of the configuration; did you mean routes.0.match.methods?",
  ],
  [
    inMatch("{methods: [get]}"),
    'routes.0.match.methods.0: "get" is not a method in capitals; write for example GET',
  ],
  [
    inMatch("{methods: []}"),
    "routes.0.match.methods: [] is empty and fits nothing; leave it out to fit everything",
  ],
  [
    inMatch("{path: v1}"),
    'routes.0.match.path: "v1" is not the begin of a path; write for example /v1',
  ],
  [
    inMatch("{path: {prefix: v1}}"),
    'routes.0.match.path.prefix: "v1" is not the begin of a path; write for example /v1',
  ],
  [inMatch("{path: {}}"), `routes.0.match.path: {} ${textForms}`],
  [
    inMatch("{path: {regx: a}}"),
    "routes.0.match.path.regx: is not a key of the configuration; did you mean routes.0.match.path.regex?",
  ],
  [
    inMatch("{path: {regex: '(a'}}"),
    'routes.0.match.path.regex: "(a" is not a regular expression: a ( has no ) after it',
  ],
  [
    inMatch("{headers: {X-User: 5}}"),
    "routes.0.match.headers.X-User: 5 is read as a number; put it in quotes",
  ],
  [inMatch("{headers: {X-User: }}"), `routes.0.match.headers.X-User: null ${textForms}`],
  [inMatch("{headers: {X-User: [a]}}"), `routes.0.match.headers.X-User: ["a"] ${textForms}`],
  [
    inMatch("{headers: {X-User: {ignore_case: true}}}"),
    `routes.0.match.headers.X-User: {"ignore_case":true} ${textForms}`,
  ],
  [
    inMatch("{headers: {X-User: {less: 1.5}}}"),
    "routes.0.match.headers.X-User.less: 1.5 is not a whole number",
  ],
  [
    inMatch("{headers: {a b: x}}"),
    "routes.0.match.headers.a b: is not the name of a header (letters, digits and - without spaces)",
  ],
  [
    inMatch("{cookies: {__proto__: x}}"),
    "routes.0.match.cookies.__proto__: is not a name (1 to 256 characters, no line breaks)",
  ],
  [
    inMatch("{callers: [a b]}"),
    'routes.0.match.callers.0: "a b" is not a service name (letters and digits, inside also _ - and .); write for example AccountService',
  ],
  [inMatch("{percent: 200}"), "routes.0.match.percent: 200 is not a percentage from 0 to 100"],
  [
    inMatch("{sticky: source}"),
    'routes.0.match.sticky: "source" has no effect without percent beside it',
  ],
  [
    inMatch("{any: []}"),
    "routes.0.match.any: [] is empty and fits nothing; leave it out to fit everything",
  ],
  [inMatch("{any: [{any: []}]}"), "routes.0.match.any.0.any: is not a key of the configuration"],
  [inRoute("to: [{weight: -1}]"), "routes.0.to.0.weight: -1 is not a weight from 0 to 1000000"],
  [
    inRoute("to: [{weight: 0}, {weight: 0}]"),
    'routes.0.to: [{"weight":0},{"weight":0}] has only weights of 0; nothing could be called',
  ],
  [
    inRoute("to: [{version: 1.0}]"),
    "routes.0.to.0.version: 1 is read as a number; put it in quotes",
  ],
  [
    inRoute("to: [{tags: {version: '1'}}]"),
    "routes.0.to.0.tags.version: is not the name of a property (1 to 128 characters; a version is said by version)",
  ],
  [
    inRoute("to: [{tags: {a: 1}}]"),
    "routes.0.to.0.tags.a: 1 is read as a number; put it in quotes",
  ],
  [
    inRoute("sticky: source"),
    'routes.0.sticky: "source" has no effect without two targets below to',
  ],
  [inRoute("timeout: 0s"), 'routes.0.timeout: "0s" is too short; at least 1ms'],
  [
    inRoute("retry: {max_atempts: 2}"),
    "routes.0.retry.max_atempts: is not a key of the configuration; did you mean routes.0.retry.max_attempts?",
  ],
  [
    inRoute("fault: {abort_status: 500}"),
    'routes.0.fault: {"abort_status":500} is not a fault; abort_status needs abort_percent beside it',
  ],
  [
    inRoute("fault: {delay: 1s}"),
    'routes.0.fault: {"delay":"1s"} is not a fault; delay and delay_percent go together',
  ],
  [
    inRoute("mirror: {percent: 5}"),
    'routes.0.mirror: {"percent":5} is not a mirror; say service, version or tags of the copies',
  ],
  [inRoute("rewrite: {}"), "routes.0.rewrite: {} is not a rewrite; say either prefix or regex"],
  [
    inRoute("rewrite: {prefix: {from: v1, to: /}}"),
    'routes.0.rewrite.prefix.from: "v1" is not the begin of a path; write for example /v1',
  ],
  [
    inRoute("rewrite: {regex: {pattern: (a), to: $2}}"),
    'routes.0.rewrite.regex.to: "$2" names group 2, but the pattern has 1',
  ],
  [
    inRoute("request_headers: {}"),
    "routes.0.request_headers: {} is not a change of headers; say set, add or remove",
  ],
  [
    inRoute("request_headers: {set: {Content-Length: '5'}}"),
    `routes.0.request_headers.set.Content-Length: ${fixedHeader}`,
  ],
  [
    inRoute("request_headers: {add: {x-mesher-hops: '5'}}"),
    `routes.0.request_headers.add.x-mesher-hops: ${fixedHeader}`,
  ],
  [
    inRoute("response_headers: {remove: [Connection]}"),
    `routes.0.response_headers.remove.0: "Connection" ${fixedHeader}`,
  ],
  [
    inRoute('response_headers: {set: {X-A: "a\\r\\nSet-Cookie: b"}}'),
    'routes.0.response_headers.set.X-A: "a\\r\\nSet-Cookie: b" is not the value of a header (one line without control characters)',
  ],
  [
    inRoute("redirect: {status: 200, location: /}"),
    "routes.0.redirect.status: 200 is not one of 301, 302, 303, 307, 308",
  ],
  [
    inRoute("redirect: {status: 301, location: /}, to: [{version: '1'}]"),
    'routes.0.to: [{"version":"1"}] has no effect beside redirect; leave one of them out',
  ],
  [
    "services: [Cart]",
    'services: ["Cart"] is not a set of keys; write its keys on lines of their own below it, indented',
  ],
  [
    "services: {Cart: 5}",
    "services.Cart: 5 is not a set of keys; write its keys on lines of their own below it, indented",
  ],
  [
    "services: {Cart/a: {}}",
    "services.Cart/a: is not the name of a service (letters and digits, inside also _ - and ., at most 128)",
  ],
  [
    "services: {__proto__: {}}",
    "services.__proto__: is not the name of a service (letters and digits, inside also _ - and ., at most 128)",
  ],
  [
    "services: {Cart: {retrys: {max_attempts: 1}}}",
    "services.Cart.retrys: is not a key of the configuration; did you mean services.Cart.retry?",
  ],
  [
    "services: {Cart: {retry: {maxAttempt: 1}}}",
    "services.Cart.retry.maxAttempt: is not a key of the configuration; did you mean services.Cart.retry.max_attempts?",
  ],
  [
    "services: {Cart: {timeouts: {connect: 1s}}}",
    "services.Cart.timeouts.connect: is not a key of the configuration",
  ],
  [
    "services: {Cart: {concurrency: {limit: x}}}",
    'services.Cart.concurrency.limit: "x" is not a whole number from 0 to 1000000',
  ],
  [
    "provider: {routes: []}",
    "provider.routes: is not a key of the configuration; did you mean routes?",
  ],
  [
    inEgress("hosts: ['a.*.b'], action: deny"),
    'egress_rules.0.hosts.0: "a.*.b" is not a host name or address; only its first label may be *; write for example www.example.com, *.example.com or *',
  ],
  [
    inEgress("hosts: ['*.0.0.1'], action: deny"),
    'egress_rules.0.hosts.0: "*.0.0.1" is not a host name or address; only its first label may be *; write for example www.example.com, *.example.com or *',
  ],
  [
    inEgress("hosts: [], action: deny"),
    "egress_rules.0.hosts: [] is empty; name a host, or * for all",
  ],
  [inEgress("action: deny"), "egress_rules.0.hosts: is missing; it has to be set"],
  [inEgress("hosts: [a]"), "egress_rules.0.action: is missing; it has to be one of allow, deny"],
  [
    inEgress("hosts: [a], action: denny"),
    'egress_rules.0.action: "denny" is not one of allow, deny; did you mean deny?',
  ],
  [
    inEgress("hosts: [a], ports: [0], action: deny"),
    "egress_rules.0.ports.0: 0 is not a port from 1 to 65535",
  ],
];

for (const [yaml, line] of refused) {
  Deno.test(`the schema refuses the policy: ${JSON.stringify(yaml)}`, async () => {
    assertEquals(await problemLines({ file: yaml }), [`${line} (from mesher.yaml line 1)`]);
  });
}

Deno.test("mistakes in lists and services are shown with their lines", async () => {
  const lines = await problemLines({
    file: [
      "routes:",
      "- name: first",
      "  to:",
      "    - weight: 1",
      "    - weight: none",
      "- match:",
      "    headers:",
      "      X-A: 5",
      "services:",
      "  Cart:",
      "    retry:",
      "      max_attempts: 0",
      "  Other:",
      "    retry:",
      "      max_attempts: 0",
    ].join("\n"),
  });
  assertEquals(lines.map((line) => /^(\S+):.*line (\d+)\)$/.exec(line)?.slice(1)), [
    ["routes.0.to.1.weight", "5"],
    ["routes.1.name", "6"],
    ["routes.1.match.headers.X-A", "8"],
    ["services.Cart.retry.max_attempts", "12"],
    ["services.Other.retry.max_attempts", "15"],
  ]);
});

Deno.test("a variable that is no JSON, or JSON of another kind, is a problem that names it", async () => {
  const lines = [
    ...await problemLines({ env: { MESHER_ROUTES: "[{name: a}]" } }),
    ...await problemLines({ env: { MESHER_SERVICES: "Cart" } }),
    ...await problemLines({ flags: { rate_limits: "{}" } }),
    ...await problemLines({ env: { MESHER_SERVICES: '{"Cart":{"retry":{"max_attempts":0}}}' } }),
  ];
  assertEquals(lines, [
    'routes: "[{name: a}]" is not a list; write its entries on lines of their own below it, each begun with - (in a variable: JSON) (from MESHER_ROUTES)',
    'services: "Cart" is not a set of keys; write its keys on lines of their own below it, indented (from MESHER_SERVICES)',
    "rate_limits: {} is not a list; write its entries on lines of their own below it, each begun with - (in a variable: JSON) (from --rate-limits)",
    "services.Cart.retry.max_attempts: 0 is not a whole number from 1 to 100 (from MESHER_SERVICES)",
  ]);
});

const contradictions: readonly (readonly [yaml: string, line: string])[] = [
  ["retry: {base_delay: 1s}", "retry.base_delay: is longer than retry.max_delay"],
  ["outlier: {max_eject: 10ms}", "outlier.base_eject: is longer than outlier.max_eject"],
  [
    "balance: {kind: consistent_hash}",
    "balance.hash_on: must be set because balance.kind is consistent_hash; write for example header:x-user",
  ],
  [
    "concurrency: {adaptive: true, limit: 0}",
    "concurrency.limit: must be set because adaptive is: it is the most that may be found",
  ],
  ["concurrency: {adaptive: true, limit: 2}", "concurrency.min_limit: is more than limit"],
  [
    "provider: {concurrency: {adaptive: true}}",
    "provider.concurrency.limit: must be set because adaptive is: it is the most that may be found",
  ],
  [
    "routes: [{name: a, to: [{version: '1'}]}, {name: b}, {name: b}]",
    'routes.2.name: is the name "b" of entry 1 too; give each its own',
  ],
  [
    "rate_limits: [{name: a, per_second: 1}, {name: a, per_second: 1}]",
    'rate_limits.1.name: is the name "a" of entry 0 too; give each its own',
  ],
  [
    "services: {a.b: {retry: {max_delay: 1ms}}}",
    "services.a.b.retry.base_delay: is longer than retry.max_delay",
  ],
  [
    "services: {a: {balance: {kind: consistent_hash}}}",
    "services.a.balance.hash_on: must be set because balance.kind is consistent_hash; write for example header:x-user",
  ],
  [
    "services: {a: {routes: [{name: b, rate_limits: [{name: r, per_second: 1}, {name: r, per_second: 2}]}]}}",
    'services.a.routes.0.rate_limits.1.name: is the name "r" of entry 0 too; give each its own',
  ],
];

for (const [yaml, line] of contradictions) {
  Deno.test(`the rules refuse the policy ${JSON.stringify(yaml)}`, async () => {
    const [only, ...more] = await problemLines({ file: yaml });
    assertEquals([only?.replace(/ \(from mesher.yaml line 1\)$/, ""), more], [line, []]);
  });
}

Deno.test("what a service inherits is not complained about twice, and may mend what it says", async () => {
  assertEquals(
    await problemLines({ file: "retry: {base_delay: 1s}\nservices: {a: {routes: []}}" }),
    ["retry.base_delay: is longer than retry.max_delay (from mesher.yaml line 1)"],
  );
  assertEquals(
    await problemLines({
      file: "balance: {hash_on: source}\nservices: {a: {balance: {kind: consistent_hash}}}",
    }),
    [],
  );
});

Deno.test("a route behind one that fits everything is a warning", async () => {
  const result = await load({ file: "routes: [{name: all, match: {}}, {name: lost}]" });
  assert.ok(result.ok);
  assertEquals(result.warnings.map(formatProblem), [
    "routes.1: is never reached: all before it fits every request (from mesher.yaml line 1)",
  ]);
});
