/** Bytes of heads: character classes, comparisons, numbers, the growing writer. */
import { assertEquals } from "@test/assert";
import {
  ascii,
  decimal,
  equalsIgnoreCase,
  findByte,
  latin1,
  matchesAt,
  targetBytes,
  tokenBytes,
  utf8,
  valueBytes,
  Writer,
} from "../../../../lib/data/http1/bytes.ts";
import { seeded } from "../../../support/seeded.ts";
import { bytesOf, textOf } from "./support.ts";

Deno.test("character classes, token is what RFC 9110 lists", () => {
  const expected = "!#$%&'*+-.^_`|~" + "0123456789" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" +
    "abcdefghijklmnopqrstuvwxyz";
  for (let byte = 0; byte < 256; byte++) {
    const wanted = byte < 128 && expected.includes(String.fromCharCode(byte)) ? 1 : 0;
    assertEquals(tokenBytes[byte], wanted, `byte ${byte}`);
  }
});

Deno.test("character classes, values have tab, space, visible ASCII and the upper half", () => {
  for (let byte = 0; byte < 256; byte++) {
    const value = byte === 9 || (byte >= 32 && byte <= 126) || byte >= 128;
    assertEquals(valueBytes[byte], value ? 1 : 0, `byte ${byte}`);
    assertEquals(targetBytes[byte], value && byte !== 9 && byte !== 32 ? 1 : 0, `byte ${byte}`);
  }
});

Deno.test("latin-1 text, every byte comes through and back", () => {
  const all = Uint8Array.from({ length: 256 }, (_, index) => index);
  const text = latin1(all, 0, 256);
  assertEquals(bytesOf(text), all);
  assertEquals(latin1(all, 65, 68), "ABC");
  assertEquals(latin1(all, 5, 5), "");
});

Deno.test("utf-8 text, is read as such where it is, else as latin-1", () => {
  const bytes = new TextEncoder().encode("a käse \u{feff}€");
  assertEquals(utf8(bytes, 0, bytes.length), "a käse \u{feff}€");
  assertEquals(utf8(bytes, 0, 1), "a");
  assertEquals(utf8(bytes, 3, 3), "");
  // Cut in the middle of a character.
  assertEquals(utf8(bytes, 2, 4), "k\xc3");
  assertEquals(utf8(bytesOf("caf\xe9"), 0, 4), "caf\xe9");
});

Deno.test("a byte is found in its range only", () => {
  const bytes = bytesOf("a?b?c");
  const where = (from: number, to: number) => findByte(bytes, 63, { from, to });
  assertEquals([where(0, 5), where(2, 5), where(4, 5), where(0, 1), where(2, 2)], [1, 3, 5, 1, 2]);
  assertEquals(where(2, 3), 3);
});

const comparisons: readonly (readonly [text: string, lower: string, equal: boolean])[] = [
  ["Host", "host", true],
  ["HOST", "host", true],
  ["host", "host", true],
  ["hos", "host", false],
  ["hosts", "host", false],
  ["h0st", "host", false],
  ["", "", true],
  ["@", "`", false],
  ["[", "{", false],
  ["\x0d", "-", false],
  ["X-A", "x-a", true],
];

for (const [text, lower, equal] of comparisons) {
  Deno.test(`comparison, ${JSON.stringify(text)} ${equal ? "is" : "is not"} ${lower}`, () => {
    const bytes = bytesOf(`..${text}..`);
    assertEquals(equalsIgnoreCase(bytes, { from: 2, to: 2 + text.length }, lower), equal);
    if (text.length === lower.length) assertEquals(matchesAt(bytes, 2, lower), equal);
  });
}

const numbers: readonly (readonly [text: string, value: number])[] = [
  ["0", 0],
  ["7", 7],
  ["000012", 12],
  ["999999999999999", 999999999999999],
  ["1000000000000000", -1],
  ["", -1],
  ["-1", -1],
  ["+1", -1],
  ["1 ", -1],
  [" 1", -1],
  ["1.0", -1],
  ["1e3", -1],
  ["0x1", -1],
  ["/", -1],
  [":", -1],
  ["\xb2", -1],
];

for (const [text, value] of numbers) {
  Deno.test(`decimal, ${JSON.stringify(text)} is ${value}`, () => {
    assertEquals(decimal(bytesOf(`9${text}9`), 1, 1 + text.length), value);
  });
}

Deno.test("writer, keeps everything in order while it grows", () => {
  const random = seeded(3);
  for (let round = 0; round < 50; round++) {
    const writer = new Writer(1 + random.below(16));
    let expected = "";
    for (let part = 0; part < 40; part++) {
      const text = Array.from(
        { length: random.below(80) },
        () => String.fromCharCode(random.below(256)),
      ).join("");
      const source = bytesOf(`<<${text}>>`);
      switch (random.below(4)) {
        case 0:
          writer.range(source, 2, 2 + text.length);
          break;
        case 1:
          writer.all(bytesOf(text));
          break;
        case 2:
          writer.text(text);
          break;
        default:
          for (const byte of bytesOf(text)) writer.byte(byte);
      }
      expected += text;
    }
    assertEquals(textOf(writer.bytes, 0, writer.length), expected);
    writer.clear();
    assertEquals(writer.length, 0);
  }
});

Deno.test("writer, a range that is empty or upside down adds nothing", () => {
  const writer = new Writer(4);
  writer.range(bytesOf("abc"), 2, 2);
  writer.range(bytesOf("abc"), 2, 1);
  assertEquals(writer.length, 0);
});

Deno.test("ascii, text becomes its bytes", () => {
  assertEquals([...ascii("GET\r\n")], [71, 69, 84, 13, 10]);
});
