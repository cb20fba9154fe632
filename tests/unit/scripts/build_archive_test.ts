/** Taking the runtime out of a wheel and cutting the appended program off. */
import { assert, assertEquals, assertMatch, rejection } from "@test/assert";
import { deflateRawSync } from "node:zlib";
import { cutElf, sha256, wheelScript } from "../../../scripts/build/archive.ts";

interface Entry {
  readonly name: string;
  readonly data: Uint8Array;
  readonly method: number;
}

/** A zip file with a comment and extra fields, as real ones have. */
function zip(entries: readonly Entry[]): Uint8Array {
  const parts: number[] = [];
  const directory: number[] = [];
  const u16 = (value: number) => [value & 255, value >> 8];
  const u32 = (value: number) => [...u16(value & 65535), ...u16(value >>> 16)];
  for (const { name, data, method } of entries) {
    const packed = method === 8 ? new Uint8Array(deflateRawSync(data)) : data;
    const nameBytes = [...new TextEncoder().encode(name)];
    const sizes = [...u32(0), ...u32(packed.length), ...u32(data.length), ...u16(nameBytes.length)];
    const common = [...u16(20), ...u16(0), ...u16(method), ...u32(0), ...sizes];
    directory.push(...u32(0x02014b50), ...u16(20), ...common, ...u16(4), ...u16(2));
    directory.push(...u16(0), ...u16(0), ...u32(0), ...u32(parts.length));
    directory.push(...nameBytes, 1, 2, 3, 4, 33, 33);
    parts.push(...u32(0x04034b50), ...common, ...u16(3), ...nameBytes, 9, 9, 9, ...packed);
  }
  const end = [...u32(0x06054b50), ...u32(0), ...u16(entries.length), ...u16(entries.length)];
  end.push(...u32(directory.length), ...u32(parts.length), ...u16(2), 33, 33);
  return new Uint8Array([...parts, ...directory, ...end]);
}

const text = (value: string) => new TextEncoder().encode(value);

for (const method of [0, 8]) {
  Deno.test(`wheel, its program is found when packed by method ${method}`, () => {
    const wheel = zip([
      { name: "a-1.data/scripts/", data: text(""), method: 0 },
      { name: "a-1.dist-info/METADATA", data: text("Name: a"), method: 8 },
      { name: "a-1.data/scripts/a", data: text("program ".repeat(50)), method },
    ]);
    assertEquals(new TextDecoder().decode(wheelScript(wheel)), "program ".repeat(50));
  });
}

const bad: readonly (readonly [title: string, wheel: Uint8Array, message: RegExp])[] = [
  ["no zip file", text("not a zip file at all, only words"), /no zip file/],
  ["no program", zip([{ name: "a.dist-info/x", data: text("x"), method: 0 }]), /no program/],
  [
    "unknown packing",
    zip([{ name: "a.data/scripts/a", data: text("x"), method: 14 }]),
    /method 14/,
  ],
];

for (const [title, wheel, message] of bad) {
  Deno.test(`wheel, ${title} is an error that says so`, async () => {
    const error = await rejection(Promise.resolve().then(() => wheelScript(wheel)));
    assert(error instanceof Error);
    assertMatch(error.message, message);
  });
}

function elf(sectionsAt: number, sectionCount: number, length: number): Uint8Array {
  const file = new Uint8Array(length);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  view.setBigUint64(0x28, BigInt(sectionsAt), true);
  view.setUint16(0x3a, 64, true);
  view.setUint16(0x3c, sectionCount, true);
  return file;
}

Deno.test("elf, is cut behind its section table", () => {
  assertEquals(cutElf(elf(100, 3, 1000)).length, 292);
  assertEquals(cutElf(elf(100, 3, 292)).length, 292);
});

Deno.test("elf, a short or foreign file is an error", async () => {
  for (const file of [elf(100, 3, 291), text("#!/bin/sh".padEnd(100)), new Uint8Array(10)]) {
    assert(await rejection(Promise.resolve().then(() => cutElf(file))) instanceof Error);
  }
});

Deno.test("sha256, is lower-case hexadecimal", async () => {
  assertEquals(
    await sha256(text("abc")),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
});
