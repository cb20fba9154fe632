/** The build date in the program. */
import { assertEquals } from "@test/assert";
import { buildTime } from "../../../scripts/build/bundle.ts";

const now = Date.UTC(2030, 0, 2, 3, 4, 5);

for (
  const [given, stamp] of [
    [undefined, "2030-01-02T03:04:05.000Z"],
    ["", "2030-01-02T03:04:05.000Z"],
    ["tomorrow", "2030-01-02T03:04:05.000Z"],
    ["0", "1970-01-01T00:00:00.000Z"],
    ["1700000000", "2023-11-14T22:13:20.000Z"],
  ] as const
) {
  Deno.test(`build date, SOURCE_DATE_EPOCH ${JSON.stringify(given)} gives ${stamp}`, () => {
    assertEquals(buildTime(given, now), stamp);
  });
}
