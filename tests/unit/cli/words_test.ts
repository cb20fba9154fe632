/** Figures and texts of the commands. */
import { assertEquals } from "@test/assert";
import {
  figure,
  latency,
  percent,
  reason,
  shown,
  table,
  timeOfDay,
} from "../../../lib/cli/words.ts";

Deno.test("words, figures have as many digits as say something", () => {
  assertEquals([0, 0.4123, 12.34, 99.6, 1240.2].map(figure), ["0", "0.41", "12", "100", "1240"]);
  assertEquals([undefined, 0.04, 1.234, 45.6, 123.4, 12_340].map(latency), [
    "-",
    "0.04 ms",
    "1.2 ms",
    "46 ms",
    "123 ms",
    "12.3 s",
  ]);
});

Deno.test("words, a share that is not quite nothing is not shown as nothing", () => {
  assertEquals([0, 0.0004, 0.001, 0.0123, 0.5, 1].map(percent), [
    "0 %",
    "<0.1 %",
    "0.1 %",
    "1.2 %",
    "50 %",
    "100 %",
  ]);
});

Deno.test("words, a text from outside cannot steer a terminal or begin a line", () => {
  assertEquals(
    shown("a\x1b[31mb\r\nc\u202ed\u2028ü"),
    "a\\u001b[31mb\\u000d\\u000ac\\u202ed\\u2028ü",
  );
});

Deno.test("words, an error of the runtime's client is only its reason", () => {
  assertEquals(
    reason(
      "http://r:1 did not answer: error sending request for url (http://r:1/v4?a=b): " +
        "client error (Connect): tcp connect error: Connection refused (os error 111)",
    ),
    "http://r:1 did not answer: Connection refused",
  );
  assertEquals(reason("the answer is too long"), "the answer is too long");
});

Deno.test("words, columns of a table are as wide as they need to be", () => {
  assertEquals(
    table([{ title: "NAME" }, { title: "N", right: true }, { title: "WHY" }], [
      ["a", "1", ""],
      ["longer", "100", "because"],
    ]),
    ["NAME      N  WHY", "a         1", "longer  100  because"],
  );
});

Deno.test("words, a time of day has its milliseconds on demand", () => {
  const at = new Date(2024, 0, 2, 3, 4, 5, 6).getTime();
  assertEquals([timeOfDay(at), timeOfDay(at, true)], ["03:04:05", "03:04:05.006"]);
});
