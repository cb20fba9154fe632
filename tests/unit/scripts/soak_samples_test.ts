/** The figures of a soak: the line through the second half, and sums of gauges on a page of metrics. */
import { assert, assertEquals } from "@test/assert";
import { gaugeSums, growth, type Sample, slope } from "../../../scripts/soak/samples.ts";

Deno.test("soak, the slope is that of the closest straight line", () => {
  assertEquals(slope([[0, 1], [1, 3], [2, 5]]), 2);
  assertEquals(slope([[0, 0], [1, 1], [2, 0]]), 0);
  assertEquals(slope([[1, 5], [1, 7]]), 0);
});

Deno.test("soak, growth is told per million calls and only of the second half", () => {
  const sample = (calls: number, mib: number): Sample => ({
    atMs: 0,
    calls,
    rssKib: mib * 1024,
    descriptors: 0,
  });
  const warm = [sample(0, 50), sample(1e6, 100)];
  assertEquals(growth([...warm, sample(2e6, 101), sample(3e6, 104)]), 3);
  assertEquals(growth([...warm, sample(2e6, 100), sample(3e6, 100)]), 0);
});

Deno.test("soak, gauges are summed over their labels, and others with a like name are not", () => {
  const page = '# TYPE open gauge\nopen{a="b 7"} 2\nopen 3\nopen_total 9\n# TYPE shut gauge\n';
  assertEquals([...gaugeSums(page, ["open", "shut"])], [["open", 5], ["shut", 0]]);
});

Deno.test("soak, a gauge that the metrics do not have is an error, not a zero", () => {
  assert.throws(() => gaugeSums("# TYPE opened gauge\n", ["open"]), /no open/);
});
