/** Authorities: host, port and kind of every spelling, and the table that remembers them. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import {
  type AuthorityKind,
  AuthorityTable,
  parseAuthority,
} from "../../../../lib/data/routing/authority.ts";
import { bytesOf } from "../http1/support.ts";

const good: readonly (readonly [text: string, host: string, port: number, kind: AuthorityKind])[] =
  [
    ["calculator", "calculator", 0, "single"],
    ["calculator:80", "calculator", 80, "single"],
    ["calculator:", "calculator", 0, "single"],
    ["Cal_cu-lator9:8080", "Cal_cu-lator9", 8080, "single"],
    ["shop.cart", "shop.cart", 0, "dotted"],
    ["example.com:443", "example.com", 443, "dotted"],
    ["example.com.", "example.com.", 0, "dotted"],
    ["127.0.0.1:80", "127.0.0.1", 80, "ip"],
    ["127.0.0.1", "127.0.0.1", 0, "ip"],
    ["256.0.0.1", "256.0.0.1", 0, "dotted"],
    ["1.2.3", "1.2.3", 0, "dotted"],
    ["localhost:65535", "localhost", 65535, "ip"],
    ["[::1]:80", "::1", 80, "ip"],
    ["[2001:db8::1]", "2001:db8::1", 0, "ip"],
    ["[::ffff:10.0.0.1]:1", "::ffff:10.0.0.1", 1, "ip"],
    ["a%20b.c", "a%20b.c", 0, "dotted"],
  ];

for (const [text, host, port, kind] of good) {
  Deno.test(`authority, ${text} is ${host} port ${port} (${kind})`, () => {
    assertEquals(parseAuthority(text), { text, host, port, kind, route: undefined });
  });
}

const bad: readonly (readonly [text: string, why: RegExp])[] = [
  ["", /not host or host:port/],
  [":80", /not host or host:port/],
  ["a:b", /not host or host:port/],
  ["a:80:80", /not host or host:port/],
  ["a:123456", /not host or host:port/],
  ["a:65536", /port 65536/],
  ["a:-1", /not host or host:port/],
  ["a:+1", /not host or host:port/],
  ["a: 1", /not host or host:port/],
  ["::1", /not host or host:port/],
  ["[::1", /not host or host:port/],
  ["::1]", /not host or host:port/],
  ["[::1]x", /not host or host:port/],
  ["[fe80::1%eth0]", /not host or host:port/],
  ["[]:80", /not host or host:port/],
  ["user@host", /user information/],
  ["user:pw@host:80", /user information/],
  ["a b", /character/],
  ["a/b", /character/],
  ["a?b", /character/],
  ["a#b", /character/],
  ["a\\b", /character/],
  ["a\tb", /character/],
  ["ä.example", /character/],
  ["a\0", /character/],
  ["-a", /service name/],
  ["a_", /service name/],
  ["a$b", /service name/],
  ["x".repeat(129), /service name/],
];

for (const [text, why] of bad) {
  Deno.test(`authority, ${JSON.stringify(text).slice(0, 40)} is refused`, () => {
    const parsed = parseAuthority(text);
    assert.ok(typeof parsed === "string", `taken as ${JSON.stringify(parsed)}`);
    assertMatch(parsed, why);
  });
}

function look<Route>(table: AuthorityTable<Route>, text: string) {
  const bytes = bytesOf(`..${text}..`);
  return table.lookup(bytes, 2, 2 + text.length);
}

Deno.test("authority table, the same spelling is the same object, another spelling is not", () => {
  const table = new AuthorityTable<number>();
  const first = look(table, "shop:80");
  assert.ok(typeof first === "object");
  first.route = 7;
  assertEquals(look(table, "shop:80"), first);
  assert.ok(look(table, "shop:80") === first);
  assert.ok(look(table, "SHOP:80") !== first);
  assert.ok(look(table, "shop:8") !== first);
  assertEquals(table.size, 3);
});

Deno.test("authority table, what is wrong is said every time and not remembered", () => {
  const table = new AuthorityTable<number>();
  assertEquals([typeof look(table, "a b"), typeof look(table, "a b")], ["string", "string"]);
  assertEquals(table.size, 0);
});

Deno.test("authority table, is bounded and right after it started over", () => {
  const table = new AuthorityTable<number>(10);
  for (let index = 0; index < 1000; index++) {
    const found = look(table, `service${index}`);
    assert.ok(typeof found === "object");
    assertEquals(found.host, `service${index}`);
    assert.ok(table.size <= 10);
  }
});

Deno.test("authority table, two names with one hash are never taken for each other", () => {
  const names = ["s6rnw", "snpba"];
  assertEquals(hash(names[0]!), hash(names[1]!), "the table's hash: choose other names");
  const table = new AuthorityTable<number>();
  for (const name of [...names, ...names]) {
    const found = look(table, name);
    assert.ok(typeof found === "object");
    assertEquals(found.host, name);
  }
});

/** 32-bit FNV-1a, as the table has it. */
function hash(name: string): number {
  let value = 0x811c9dc5;
  for (const byte of bytesOf(name)) value = Math.imul(value ^ byte, 0x01000193);
  return value;
}
