/** Hashes of keys: the same for ever, even, and unrelated to each other. */
import { assert, assertEquals } from "@test/assert";
import { hashPair, hashText, unitOf } from "../../../../lib/data/routing/share.ts";

Deno.test("hash, never changes, or users would change sides with a release", () => {
  const known = [
    [0, "", 0],
    [0, "user-1", 582760828],
    [1, "user-1", 322087022],
    [7, "é😀", 2049829264],
  ] as const;
  for (const [seed, text, hash] of known) assertEquals(hashText(seed, text), hash, text);
  assertEquals(hashPair(1, 2), 2833796822);
});

Deno.test("hash, spreads keys that differ little evenly over [0, 1)", () => {
  for (const prefix of ["", "user-", "10.0.0.", "x".repeat(40)]) {
    const buckets = Array<number>(20).fill(0);
    for (let key = 0; key < 20_000; key++) {
      const unit = unitOf(hashText(5, `${prefix}${key}`));
      assert(unit >= 0 && unit < 1);
      buckets[Math.floor(unit * 20)]!++;
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
      sum += (unitOf(hashText(a, `k${key}`)) - 0.5) * (unitOf(hashText(b, `k${key}`)) - 0.5) * 12;
    }
    assert(Math.abs(sum / 20_000) < 0.03, `${a} and ${b}: ${sum / 20_000}`);
  }
});
