/** The 32-bit hash: the same everywhere, even, and one bit of the input moves half of it. */
import { assert, assertEquals } from "@test/assert";
import {
  avalanche,
  hashBytes,
  hashShare,
  hashText,
  mixHash,
} from "../../../../lib/data/balance/hash.ts";
import { seeded } from "../../../support/seeded.ts";

Deno.test("hash, is a fixed value for a text, or sidecars of two versions would not agree", () => {
  const table: readonly (readonly [text: string, hash: number])[] = [
    ["", 0xab3e7c0b],
    ["a", 0x1a80b1b3],
    ["10.0.0.1:8080", 0xbbc751b3],
  ];
  assertEquals(table.map(([text]) => [text, hashText(text)]), table);
});

Deno.test("hash, of a text and of its bytes are the same for ASCII", () => {
  const random = seeded(3);
  for (let round = 0; round < 100; round++) {
    const bytes = Uint8Array.from({ length: random.below(40) }, () => random.below(128));
    assertEquals(hashText(String.fromCharCode(...bytes)), hashBytes(bytes));
  }
});

Deno.test("hash, puts similar addresses evenly into any slice of its range", () => {
  for (const shift of [0, 13, 26]) {
    const counts = Array<number>(64).fill(0);
    for (let number = 0; number < 64_000; number++) {
      counts[(hashText(`10.1.${number >> 8}.${number & 255}:8080`) >>> shift) & 63]!++;
    }
    // 1,000 expected in each; six standard deviations are 190.
    assert(Math.min(...counts) > 810 && Math.max(...counts) < 1_190, `${shift}: ${counts}`);
  }
});

Deno.test("hash, one changed bit changes each bit of the result about half of the time", () => {
  const random = seeded(4);
  const flips = Array<number>(32).fill(0);
  const rounds = 4_000;
  for (let round = 0; round < rounds; round++) {
    const bytes = Uint8Array.from({ length: 8 }, () => random.below(256));
    const before = hashBytes(bytes);
    bytes[random.below(8)]! ^= 1 << random.below(8);
    const changed = before ^ hashBytes(bytes);
    for (let bit = 0; bit < 32; bit++) flips[bit]! += (changed >>> bit) & 1;
  }
  for (const [bit, count] of flips.entries()) {
    assert(Math.abs(count / rounds - 0.5) < 0.05, `bit ${bit} flips in ${count} of ${rounds}`);
  }
});

Deno.test("hash, the last mix loses nothing: different numbers stay different", () => {
  const seen = new Set<number>();
  for (let number = 0; number < 50_000; number++) seen.add(avalanche(number * 85_899));
  assertEquals(seen.size, 50_000);
});

Deno.test("hash, mixed with a salt it is another one, unsigned and as even", () => {
  const counts = Array<number>(10).fill(0);
  for (let salt = 0; salt < 10_000; salt++) {
    const share = hashShare(mixHash(0x12345678, salt));
    assert(share >= 0 && share < 1);
    counts[Math.floor(share * 10)]!++;
  }
  assert(Math.min(...counts) > 820 && Math.max(...counts) < 1_180, `${counts}`);
});
