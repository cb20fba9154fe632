/** Rules on hosts outside the mesh: the first that fits, whatever way the host is written. */
import { assert, assertEquals } from "@test/assert";
import type { EgressPolicy, EgressRule } from "../../../../lib/core/traffic.ts";
import { compileEgress } from "../../../../lib/data/routing/egress.ts";
import { seeded } from "../../../support/seeded.ts";

const allow = (hosts: readonly string[], ports: readonly number[] = []): EgressRule => ({
  hosts,
  ports,
  action: "allow",
});
const deny = (hosts: readonly string[], ports: readonly number[] = []): EgressRule => ({
  hosts,
  ports,
  action: "deny",
});

const policy: EgressPolicy = {
  otherwise: "deny",
  rules: [
    deny(["secret.example.org"]),
    allow(["*.example.org", "www.example.com"], [80, 443]),
    deny(["*"], [25]),
    allow(["10.0.0.7", "::1", "Other.NET."]),
    allow(["*.deep.example.org"]),
    allow(["bücher.example"]),
  ],
};

const table: readonly (readonly [host: string, port: number, because: string])[] = [
  ["www.example.org", 80, "egress rule 2 allows *.example.org"],
  ["a.b.c.example.org", 443, "egress rule 2 allows *.example.org"],
  ["WWW.Example.ORG", 80, "egress rule 2 allows *.example.org"],
  ["www.example.org.", 80, "egress rule 2 allows *.example.org"],
  ["secret.example.org", 80, "egress rule 1 denies secret.example.org"],
  ["Secret.example.org.", 80, "egress rule 1 denies secret.example.org"],
  ["x.secret.example.org", 80, "egress rule 2 allows *.example.org"],
  ["example.org", 80, "no egress rule fits, and egress denies all others"],
  ["badexample.org", 80, "no egress rule fits, and egress denies all others"],
  ["www.example.org.evil.net", 80, "no egress rule fits, and egress denies all others"],
  ["www.example.org", 8080, "no egress rule fits, and egress denies all others"],
  ["www.example.com", 443, "egress rule 2 allows www.example.com"],
  ["www.example.com", 25, "egress rule 3 denies *"],
  ["10.0.0.7", 25, "egress rule 3 denies *"],
  ["10.0.0.7", 9, "egress rule 4 allows 10.0.0.7"],
  ["10.0.0.70", 9, "no egress rule fits, and egress denies all others"],
  ["::1", 9, "egress rule 4 allows ::1"],
  ["[::1]", 9, "egress rule 4 allows ::1"],
  ["0:0:0:0:0:0:0:1", 9, "egress rule 4 allows ::1"],
  ["::ffff:10.0.0.7", 9, "egress rule 4 allows 10.0.0.7"],
  ["::ffff:a00:7", 9, "egress rule 4 allows 10.0.0.7"],
  ["other.net", 9, "egress rule 4 allows Other.NET."],
  ["x.deep.example.org", 9, "egress rule 5 allows *.deep.example.org"],
  ["x.deep.example.org", 80, "egress rule 2 allows *.example.org"],
  ["xn--bcher-kva.example", 80, "egress rule 6 allows bücher.example"],
];

const decide = compileEgress(policy);

for (const [host, port, because] of table) {
  Deno.test(`egress, ${host} port ${port}: ${because}`, () => {
    const verdict = decide(host, port);
    assertEquals(verdict.because, because);
    assertEquals(verdict.action, because.includes("allows") ? "allow" : "deny");
  });
}

for (const otherwise of ["allow", "deny"] as const) {
  Deno.test(`egress, without rules every host is as the policy says: ${otherwise}`, () => {
    const verdict = compileEgress({ otherwise, rules: [] })("any.example", 80);
    assertEquals(verdict.action, otherwise);
    assert.match(verdict.because, /every host outside the mesh$/);
  });
}

Deno.test("egress, decides as trying one rule after the other would", () => {
  const random = seeded(61);
  const labels = ["a", "b", "c"];
  const name = () => Array.from({ length: 1 + random.below(3) }, () => random.of(labels)).join(".");
  const fits = (pattern: string, host: string): boolean =>
    pattern === "*" ||
    (pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) : pattern === host);
  for (let round = 0; round < 300; round++) {
    const rules = Array.from({ length: random.below(8) }, (): EgressRule => ({
      hosts: Array.from(
        { length: 1 + random.below(3) },
        () => random.of([name(), `*.${name()}`, "*"]),
      ),
      ports: random.of([[], [80], [80, 443]]),
      action: random.of(["allow", "deny"]),
    }));
    const compiled = compileEgress({ otherwise: "allow", rules });
    for (let trial = 0; trial < 20; trial++) {
      const host = name(), port = random.of([80, 443, 8080]);
      const first = rules.find(({ hosts, ports }) =>
        (ports.length === 0 || ports.includes(port)) && hosts.some((one) => fits(one, host))
      );
      assertEquals(compiled(host, port).action, first?.action ?? "allow");
    }
  }
});

const wrong: readonly (readonly [rule: EgressRule, message: RegExp])[] = [
  [deny([]), /egress rule 1: it names no host; write \* for every host$/],
  [deny(["*example.org"]), /"\*example\.org" is no host/],
  [deny(["a.*.org"]), /"a\.\*\.org" is no host/],
  [deny(["*."]), /"\*\." is no host/],
  [deny(["http://a.org"]), /is no host/],
  [deny(["a.org:80"]), /is no host/],
  [deny([""]), /is no host/],
  [deny(["*.0.0.1"]), /a wildcard before an address/],
  [deny(["*.::1"]), /a wildcard before an address/],
  [deny(["a"], [0]), /0 is no port/],
  [deny(["a"], [70000]), /70000 is no port/],
];

for (const [rule, message] of wrong) {
  Deno.test(`egress, refuses the hosts ${JSON.stringify(rule.hosts)} and ports ${rule.ports}`, () => {
    assert.throws(() => compileEgress({ otherwise: "allow", rules: [rule] }), message);
  });
}
