/** Changes of header fields: the lines and names they become, and those nobody may change. */
import { assert, assertEquals } from "@test/assert";
import type { HeaderChanges } from "../../../../lib/core/traffic.ts";
import { compileHeaderChanges } from "../../../../lib/data/routing/header_changes.ts";

const table:
  readonly (readonly [changes: HeaderChanges, drop: readonly string[], lines: string])[] = [
    [{ set: { "X-Lane": "blue" } }, ["x-lane"], "X-Lane: blue\r\n"],
    [{ add: { "X-Lane": "blue" } }, [], "X-Lane: blue\r\n"],
    [{ remove: ["X-A", "x-b"] }, ["x-a", "x-b"], ""],
    [
      { remove: ["X-A"], set: { "x-a": "1" }, add: { "X-A": "2" } },
      ["x-a"],
      "x-a: 1\r\nX-A: 2\r\n",
    ],
    [{ set: { "x-a": "  spaced\t" } }, ["x-a"], "x-a: spaced\r\n"],
    [{ set: { "x-a": "" } }, ["x-a"], "x-a: \r\n"],
    [{ add: { "x-a": "é\tb" } }, [], "x-a: é\tb\r\n"],
  ];

for (const [changes, drop, lines] of table) {
  Deno.test(`header changes, ${JSON.stringify(changes)} are dropped names and lines`, () => {
    const plan = compileHeaderChanges(changes)!;
    assertEquals([...plan.dropNames], drop);
    assertEquals(new TextDecoder().decode(plan.lines), lines);
  });
}

for (const changes of [undefined, {}, { set: {}, add: {}, remove: [] }]) {
  Deno.test(`header changes, ${JSON.stringify(changes)} are nothing`, () => {
    assertEquals(compileHeaderChanges(changes), undefined);
  });
}

const untouchable = [
  "Host",
  "content-length",
  "Transfer-Encoding",
  "Connection",
  "Keep-Alive",
  "Proxy-Connection",
  "TE",
  "Trailer",
  "Upgrade",
  "Expect",
  "x-cse-context",
  "X-Mesher-Hops",
];

for (const name of untouchable) {
  Deno.test(`header changes, nobody sets, adds or removes ${name}`, () => {
    for (
      const changes of [{ set: { [name]: "1" } }, { add: { [name]: "1" } }, { remove: [name] }]
    ) {
      assert.throws(() => compileHeaderChanges(changes), {
        name: "PolicyError",
        message: `the field ${name} belongs to the connection or to the sidecar; ` +
          "rules may change others only",
      });
    }
  });
}

for (const name of ["", "a b", "a:b", "a\r\nb", "é"]) {
  Deno.test(`header changes, ${JSON.stringify(name)} is no name`, () => {
    assert.throws(() => compileHeaderChanges({ set: { [name]: "1" } }), /is no name of a header/);
    assert.throws(() => compileHeaderChanges({ remove: [name] }), /is no name of a header/);
  });
}

for (const value of ["a\r\nb", "a\nb", "a\0", "\x7f"]) {
  Deno.test(`header changes, the value ${JSON.stringify(value)} is refused`, () => {
    assert.throws(() => compileHeaderChanges({ add: { "x-a": value } }), /control character 0x/);
  });
}
