/** Forms of the access log as they are written in the configuration. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { accessLogFields, parseAccessLogFormat } from "../../../lib/core/access_log_format.ts";

Deno.test("access log format, json has every field, json with a list has those", () => {
  assertEquals(parseAccessLogFormat("json"), {
    kind: "json",
    fields: Object.keys(accessLogFields),
  });
  assertEquals(parseAccessLogFormat("json:status, path"), {
    kind: "json",
    fields: ["status", "path"],
  });
});

Deno.test("access log format, a text is its parts in their order", () => {
  assertEquals(parseAccessLogFormat('%{status} "%{path}" 100%% %{code}%{detail}.'), {
    kind: "text",
    parts: [
      { field: "status" },
      ' "',
      { field: "path" },
      '" 100% ',
      { field: "code" },
      { field: "detail" },
      ".",
    ],
  });
});

const wrong: readonly (readonly [text: string, words: RegExp])[] = [
  ["", /names no field/],
  ["plain", /names no field; write json/],
  ["%{stauts}", /^has no field "stauts"; the fields are time, role, .*status/],
  ["json:status,pth", /^has no field "pth"/],
  ["json:", /^has no field ""/],
  ["%{constructor}", /^has no field "constructor"/],
  ["%{status", /^has "%\{status", which is no field; write %\{status\}, or %%/],
  ["%s", /^has "%s", which is no field/],
  ["%{status} 5%", /^has "%", which is no field/],
  ["%{status}\n", /control character/],
];
for (const [text, words] of wrong) {
  Deno.test(`access log format, ${JSON.stringify(text)} is refused with words`, () => {
    const refusal = parseAccessLogFormat(text);
    assert(typeof refusal === "string");
    assertMatch(refusal, words);
  });
}
