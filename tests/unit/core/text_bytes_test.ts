/** Texts that are put together as bytes. */
import { assertEquals } from "@test/assert";
import { TextBytes } from "../../../lib/core/text_bytes.ts";
import { hostileText } from "../../support/hostile.ts";
import { seeded } from "../../support/seeded.ts";

Deno.test("text bytes, are those of all texts one after the other, however many there were before", () => {
  const random = seeded(3);
  const bytes = new TextBytes();
  for (let round = 0; round < 40; round++) {
    const texts = Array.from({ length: random.below(300) }, () => hostileText(random, true));
    let length = 0;
    for (const text of texts) {
      bytes.append(text);
      length += new TextEncoder().encode(text).length;
      assertEquals(bytes.length, length);
    }
    const taken = bytes.take();
    assertEquals([taken.length, bytes.length], [length, 0]);
    assertEquals(
      taken,
      new TextEncoder().encode(texts.map((text) => text.toWellFormed()).join("")),
    );
  }
});

Deno.test("text bytes, what was taken stays as it is while more is written", () => {
  const bytes = new TextBytes();
  bytes.append("one");
  const taken = bytes.take();
  bytes.append("two");
  assertEquals(new TextDecoder().decode(taken), "one");
  assertEquals(new TextDecoder().decode(bytes.take()), "two");
  assertEquals(bytes.take().length, 0);
});

Deno.test("text bytes, whole numbers are written as the engine writes them, with zeros where asked for", () => {
  const random = seeded(9);
  const given = [
    0,
    1,
    9,
    10,
    11,
    99,
    100,
    999_999,
    1e6,
    2 ** 31 - 1,
    2 ** 31,
    4_102_444_800,
    2 ** 53,
  ];
  const drawn = Array.from({ length: 3_000 }, () => Math.floor(random() * 10 ** random.below(15)));
  for (const number of [...given, ...drawn, -1, -70_000]) {
    const bytes = new TextBytes();
    bytes.digits(number);
    bytes.append("|");
    bytes.digits(number, 6);
    const shown = `${number}|${String(number).padStart(6, "0")}`;
    assertEquals(new TextDecoder().decode(bytes.take()), shown);
  }
});

Deno.test("text bytes, a text as JSON has it, whatever is in it and however long it is", () => {
  const random = seeded(10);
  const bytes = new TextBytes();
  let expected = "";
  const add = (text: string) => {
    bytes.json(text);
    expected += JSON.stringify(text);
  };
  for (let code = 0; code <= 0xffff; code += code < 0x300 ? 1 : 7) {
    add(`a${String.fromCharCode(code)}b`);
  }
  for (let round = 0; round < 3_000; round++) add(hostileText(random, true));
  for (let length = 90; length < 110; length++) add("l".repeat(length));
  assertEquals(new TextDecoder().decode(bytes.take()), expected);
});

Deno.test("text bytes, pieces of all kinds grow as they must, and the last bytes can be taken back", () => {
  const bytes = new TextBytes();
  const piece = new TextEncoder().encode("piece,");
  let expected = "";
  for (let round = 0; round < 3_000; round++) {
    bytes.put(piece);
    bytes.ascii("ascii");
    bytes.digits(round);
    bytes.json("é");
    bytes.append("x!");
    bytes.cut(1);
    expected += `piece,ascii${round}"é"x`;
  }
  assertEquals(new TextDecoder().decode(bytes.take()), expected);
});
