/** The field Retry-After, read and written. */
import { assert, assertEquals } from "@test/assert";
import { formatRetryAfter, parseRetryAfter } from "../../../../lib/data/resilience/retry_after.ts";
import { seeded } from "../../../support/seeded.ts";

const wallMs = Date.UTC(2026, 1, 3, 4, 5, 6);
const year = 365 * 86_400_000;

for (
  const [text, ms] of [
    ["0", 0],
    ["1", 1000],
    ["120", 120_000],
    ["  7 ", 7000],
    ["007", 7000],
    ["99999999999999999999", year],
    ["Tue, 03 Feb 2026 04:05:16 GMT", 10_000],
    ["Tuesday, 03-Feb-26 04:05:16 GMT", 10_000],
    ["Tue Feb  3 04:05:16 2026", 10_000],
    ["Tue Feb 03 04:05:16 2026", 10_000],
    ["Tue, 03 Feb 2026 04:05:06 GMT", 0],
    ["Sun, 06 Nov 1994 08:49:37 GMT", 0],
    ["Sunday, 06-Nov-94 08:49:37 GMT", 0],
    ["Tue, 03 Feb 9999 04:05:16 GMT", year],
    ["Thu, 31 Dec 2026 23:59:60 GMT", Date.UTC(2027, 0, 1) - wallMs],
    ["Tue, 29 Feb 2028 00:00:00 GMT", year],
    ["", undefined],
    ["soon", undefined],
    ["-1", undefined],
    ["1.5", undefined],
    ["1e3", undefined],
    ["0x10", undefined],
    ["10 s", undefined],
    ["2026-02-03T04:05:16Z", undefined],
    ["Tue, 03 Feb 2026 04:05:16 CET", undefined],
    ["Tue, 3 Feb 2026 04:05:16 GMT", undefined],
    ["Tue, 32 Jan 2026 04:05:16 GMT", undefined],
    ["Tue, 29 Feb 2026 04:05:16 GMT", undefined],
    ["Tue, 31 Apr 2026 04:05:16 GMT", undefined],
    ["Tue, 00 Feb 2026 04:05:16 GMT", undefined],
    ["Tue, 03 Feb 2026 24:00:00 GMT", undefined],
    ["Tue, 03 Feb 2026 04:60:16 GMT", undefined],
    ["Xue, 03 Feb 2026 04:05:16 GMT", undefined],
    ["Tue, 03 Feb 2026 04:05:16 GMT, 5", undefined],
  ] as const
) {
  Deno.test(`retry-after, "${text}" is ${ms === undefined ? "nothing" : `${ms} ms`}`, () => {
    assertEquals(parseRetryAfter(text, wallMs), ms);
  });
}

Deno.test("retry-after, two digits of a year mean the one that is at most fifty years ahead", () => {
  const late = Date.UTC(2099, 11, 31, 23, 59, 59);
  assertEquals(parseRetryAfter("Friday, 01-Jan-99 00:00:00 GMT", late), 0);
  assertEquals(parseRetryAfter("Thursday, 31-Dec-99 23:59:59 GMT", late - 5000), 5000);
  assertEquals(parseRetryAfter("Wednesday, 01-Jan-76 00:00:00 GMT", wallMs), year);
  assertEquals(parseRetryAfter("Friday, 01-Jan-77 00:00:00 GMT", wallMs), 0);
});

Deno.test("retry-after, every date of two centuries is read as the clock would write it", () => {
  const random = seeded(6);
  for (let round = 0; round < 3000; round++) {
    const atMs = Math.floor(Date.UTC(1970, 0, 1) / 1000 + random() * 200 * 365.25 * 86_400) * 1000;
    const backMs = random.below(300 * 86_400) * 1000;
    assertEquals(parseRetryAfter(new Date(atMs).toUTCString(), atMs - backMs), backMs);
  }
});

for (
  const [ms, text] of [
    [0, "1"],
    [-5, "1"],
    [1, "1"],
    [1000, "1"],
    [1001, "2"],
    [59_999.5, "60"],
    [Infinity, "31536000"],
  ] as const
) {
  Deno.test(`retry-after, ${ms} ms is written as ${text}`, () => {
    assertEquals(formatRetryAfter(ms), text);
  });
}

Deno.test("retry-after, what is written is never less than what was meant", () => {
  const random = seeded(7);
  for (let round = 0; round < 2000; round++) {
    const ms = random() ** 4 * 1e9;
    assert.ok(parseRetryAfter(formatRetryAfter(ms), 0)! >= ms);
  }
});
