import { assertEquals } from "@test/assert";
import { sha1Hex } from "../../../lib/core/sha1.ts";

const known = [
  ["", "da39a3ee5e6b4b0d3255bfef95601890afd80709"],
  ["abc", "a9993e364706816aba3e25717850c26c9cd0d89d"],
  [
    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
  ],
  ["a".repeat(1_000_000), "34aa973cd4c4daa4f61eeb2bdbad27316534016f"],
  ["0.0,", "97784746be9a2d00f08bc72fe1ce5ff8c7d07ffe"],
] as const;

Deno.test("SHA-1, texts with a published sum: the same sum", () => {
  for (const [text, sum] of known) assertEquals(sha1Hex(text), sum);
});

Deno.test("SHA-1, every length around the block size: the same as the platform's", async () => {
  for (let length = 50; length < 140; length++) {
    const text = "ü".repeat(length / 2) + "x".repeat(length % 2);
    const sum = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text));
    assertEquals(sha1Hex(text), new Uint8Array(sum).toHex(), `length ${length}`);
  }
});
