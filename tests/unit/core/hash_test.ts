/** The 32-bit hash: the same for ever, even, another one for every seed, and one bit of the input moves half of it. */
import { assert, assertEquals } from "@test/assert";
import { hashShare, hashText, mixHash } from "../../../lib/core/hash.ts";
import { seeded } from "../../support/seeded.ts";

Deno.test("hash, never changes: sidecars of two versions have to agree, and users to stay on their side", () => {
  const table: readonly (readonly [text: string, seed: number, hash: number])[] = [
    ["", 0, 0xab3e7c0b],
    ["a", 0, 0x1a80b1b3],
    ["10.0.0.1:8080", 0, 0xbbc751b3],
    ["user-1", 1, 0x488bee14],
    ["é😀", 7, 0xab928ae0],
  ];
  assertEquals(table.map(([text, seed]) => [text, seed, hashText(text, seed)]), table);
  assertEquals(mixHash(1, 2), 0x725ce18e);
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

Deno.test("hash, spreads keys that differ little evenly over [0, 1), whatever the seed", () => {
  for (const prefix of ["", "user-", "10.0.0.", "x".repeat(40)]) {
    const buckets = Array<number>(20).fill(0);
    for (let key = 0; key < 20_000; key++) {
      const share = hashShare(hashText(`${prefix}${key}`, 5));
      assert(share >= 0 && share < 1);
      buckets[Math.floor(share * 20)]!++;
    }
    // Chi-squared with 19 degrees of freedom is below 50 but once in 7,000 times.
    const chi = buckets.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    assert(chi < 50, `${prefix}: ${chi}`);
  }
});

Deno.test("hash, with another seed has nothing to do with the one before", () => {
  for (const [a, b] of [[0, 1], [1, 2], [0, 0x80000000], [12345, 12346]] as const) {
    let sum = 0;
    for (let key = 0; key < 20_000; key++) {
      const one = hashShare(hashText(`k${key}`, a)), other = hashShare(hashText(`k${key}`, b));
      sum += (one - 0.5) * (other - 0.5) * 12;
    }
    assert(Math.abs(sum / 20_000) < 0.03, `${a} and ${b}: ${sum / 20_000}`);
  }
});

Deno.test("hash, a small seed is not the same as another first character", () => {
  assert(hashText("1.0", 1) !== hashText("0.0"));
  assert(hashText("a", 1) !== hashText("`"));
});

Deno.test("hash, one changed bit changes each bit of the result about half of the time", () => {
  const random = seeded(4);
  const flips = Array<number>(32).fill(0);
  const rounds = 4_000;
  for (let round = 0; round < rounds; round++) {
    const bytes = Uint8Array.from({ length: 8 }, () => random.below(256));
    const before = hashText(String.fromCharCode(...bytes));
    bytes[random.below(8)]! ^= 1 << random.below(8);
    const changed = before ^ hashText(String.fromCharCode(...bytes));
    for (let bit = 0; bit < 32; bit++) flips[bit]! += (changed >>> bit) & 1;
  }
  for (const [bit, count] of flips.entries()) {
    assert(Math.abs(count / rounds - 0.5) < 0.05, `bit ${bit} flips in ${count} of ${rounds}`);
  }
});

Deno.test("hash, mixed with one salt different ones stay different", () => {
  const seen = new Set<number>();
  for (let number = 0; number < 50_000; number++) seen.add(mixHash(number * 85_899, 3));
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
