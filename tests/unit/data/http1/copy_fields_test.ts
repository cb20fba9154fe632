/** Copying what goes on: every kept line whole, in order, and nothing else. */
import { assertEquals } from "@test/assert";
import { latin1, Writer } from "../../../../lib/data/http1/bytes.ts";
import { copyFields, kindSet } from "../../../../lib/data/http1/copy_fields.ts";
import { Fields, kind } from "../../../../lib/data/http1/fields.ts";
import { seeded } from "../../../support/seeded.ts";

function copied(lines: readonly string[], dropped: number): string {
  const bytes = new TextEncoder().encode(lines.map((line) => `${line}\r\n`).join("") + "\r\n");
  const fields = new Fields();
  fields.scan(bytes, 0, { to: bytes.length, maxFields: 100 });
  const writer = new Writer();
  copyFields(writer, bytes, { fields, dropped });
  return latin1(writer.bytes, 0, writer.length);
}

const lines = ["Host: a", "X-One: 1", "TE: trailers", "x-one: 2", "Via: 1.1 b", "X-Two:"];

for (
  const [name, dropped, kept] of [
    ["nothing dropped", 0, lines],
    ["a kind that does not occur", kindSet(kind.hops), lines],
    ["the first", kindSet(kind.host), lines.slice(1)],
    ["two in the middle", kindSet(kind.te, kind.via), [lines[0], lines[1], lines[3], lines[5]]],
    ["all but one kind", ~kindSet(kind.te), ["TE: trailers"]],
    ["all", ~0, []],
  ] as const
) {
  Deno.test(`copying fields, ${name}`, () => {
    assertEquals(copied(lines, dropped), kept.map((line) => `${line}\r\n`).join(""));
  });
}

Deno.test("copying fields, none at all", () => {
  assertEquals(copied([], ~0), "");
});

Deno.test("copying fields, any drop of any head leaves exactly the other lines", () => {
  const random = seeded(7);
  const pool: readonly (readonly [string, number])[] = [
    ["Host: h", kind.host],
    ["X-A: 1", kind.other],
    ["Via: x", kind.via],
    ["Expect: y", kind.expect],
    ["Keep-Alive: z", kind.keepAlive],
  ];
  for (let round = 0; round < 500; round++) {
    const head = Array.from({ length: random.below(12) }, () => random.of(pool));
    const dropped = pool.filter(() => random.below(2) === 0)
      .reduce((set, [, which]) => set | (1 << which), 0);
    const expected = head.filter(([, which]) => (dropped & (1 << which)) === 0);
    assertEquals(
      copied(head.map(([line]) => line), dropped),
      expected.map(([line]) => `${line}\r\n`).join(""),
    );
  }
});
