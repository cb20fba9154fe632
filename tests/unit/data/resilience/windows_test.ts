/** The two windows over the last while: in five numbers, and in ten buckets. */
import { assert, assertEquals } from "@test/assert";
import { BucketWindow } from "../../../../lib/data/resilience/bucket_window.ts";
import { ShareWindow } from "../../../../lib/data/resilience/share_window.ts";
import { seeded } from "../../../support/seeded.ts";

/** What a window of one second says at a time. Shape: requests, failures. */
function said(window: ShareWindow, nowMs: number): number[] {
  window.advance(nowMs, 1000);
  const weight = window.weight(nowMs, 1000);
  return [window.requests(weight), window.failures(weight)];
}

Deno.test("share window, what was counted fades over the period after its own", () => {
  const window = new ShareWindow();
  window.advance(10_100, 1000);
  for (let count = 0; count < 8; count++) window.add(count % 2);
  assertEquals([10_100, 10_999, 11_000, 11_250, 11_500].map((nowMs) => said(window, nowMs)), [
    [8, 4],
    [8, 4],
    [8, 4],
    [6, 3],
    [4, 2],
  ]);
  assertEquals(said(window, 12_000), [0, 0]);
});

Deno.test("share window, a pause of a period or more leaves nothing", () => {
  const window = new ShareWindow();
  window.advance(500, 1000);
  window.add(1);
  assertEquals(said(window, 2000), [0, 0]);
});

Deno.test("share window, a part can be taken out of the sum", () => {
  const [all, part] = [new ShareWindow(), new ShareWindow()];
  for (const nowMs of [100, 200, 1100, 1200]) {
    all.advance(nowMs, 1000);
    all.add(1);
    if (nowMs % 200 !== 0) continue;
    part.advance(nowMs, 1000);
    part.add(1);
  }
  all.subtract(part);
  assertEquals(said(all, 1500), [1.5, 1.5]);
  all.subtract(part);
  all.subtract(part);
  assertEquals(said(all, 1500), [0, 0], "never below nothing");
});

Deno.test("share window, is close to the true window of steady traffic", () => {
  const random = seeded(2);
  const window = new ShareWindow();
  const times: number[] = [];
  for (let nowMs = 0; nowMs < 20_000; nowMs += 1 + random.below(10)) {
    const failures = random() < 0.3 ? 1 : 0;
    window.advance(nowMs, 1000);
    window.add(failures);
    times.push(nowMs);
    const exact = times.filter((atMs) => atMs > nowMs - 1000).length;
    assert.ok(Math.abs(said(window, nowMs)[0]! - exact) < 40, `${said(window, nowMs)[0]} ${exact}`);
  }
});

Deno.test("bucket window, holds what is at most a window old, to a tenth of it", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const random = seeded(seed);
    const window = new BucketWindow(1000);
    const counted: { readonly atMs: number; readonly failures: number }[] = [];
    let nowMs = random() * 1e6;
    for (let step = 0; step < 500; step++) {
      nowMs += random() < 0.01 ? random() * 3000 : random() * 20;
      window.advance(nowMs);
      const failures = random.below(2);
      window.add(failures);
      counted.push({ atMs: nowMs, failures });
      const since = (ms: number) => counted.filter(({ atMs }) => atMs > nowMs - ms);
      assert.ok(window.requests >= since(900).length, "too few");
      assert.ok(window.requests <= since(1000).length + 1, "too many");
      const failed = since(1000).filter((each) => each.failures === 1).length;
      assert.ok(window.failures <= failed + 1);
    }
  }
});

Deno.test("bucket window, a clock that goes back counts into the newest bucket", () => {
  const window = new BucketWindow(1000);
  window.advance(5000);
  window.add(1);
  window.advance(100);
  window.add(0);
  assertEquals([window.requests, window.failures], [2, 1]);
  window.advance(6000);
  assertEquals([window.requests, window.failures], [0, 0]);
});
