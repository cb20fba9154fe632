/** The flags of `mesher tap`, its lines, and how pieces become lines. */
import { assertEquals, assertMatch } from "@test/assert";
import { linesOf, readTap } from "../../../lib/cli/tap.ts";
import { tapLine } from "../../../lib/cli/tap_text.ts";
import { attempt, record } from "../../support/records.ts";

for (
  const [flags, path] of [
    [{}, "/tap"],
    [{ service: "A B", method: "get" }, "/tap?service=A+B&method=get"],
    [{ status: "5xx" }, "/tap?status=5"],
    [{ status: "503", failures: "true" }, "/tap?status=503&failures=true"],
    [{ path: "/a?b", role: "inbound" }, "/tap?path_prefix=%2Fa%3Fb&role=inbound"],
  ] as const
) {
  Deno.test(`tap, ${JSON.stringify(flags)} asks for ${path}`, () =>
    assertEquals(readTap(flags), { path, limit: Infinity, seconds: Infinity }));
}

Deno.test("tap, a limit and a time end it", () => {
  assertEquals(readTap({ limit: "3", seconds: "0.5" }), { path: "/tap", limit: 3, seconds: 0.5 });
});

for (
  const flags of [
    { status: "6xx" },
    { status: "50" },
    { path: "a" },
    { role: "both" },
    { limit: "0" },
    { limit: "many" },
    { seconds: "" },
    { seconds: "-1" },
  ]
) {
  Deno.test(`tap, ${JSON.stringify(flags)} is refused and named`, () => {
    const read = readTap(flags);
    assertMatch("mistake" in read ? read.mistake : "", new RegExp(`^--${Object.keys(flags)[0]} `));
  });
}

const line = (parts: Parameters<typeof record>[0]) => tapLine(record(parts)).replace(/^\S+ +/, "");

Deno.test("tap, a request is one line with its end, its endpoint and its attempts", () => {
  assertEquals(
    line({}),
    "out     200      6 ms  10.0.0.7:8080          GET AccountService:8080/accounts/7",
  );
  assertEquals(
    line({ status: 503, code: "service_unknown", attempts: [], durationMs: 0.31 }),
    "out     503   0.31 ms  -                      GET AccountService:8080/accounts/7  service_unknown",
  );
  assertMatch(
    line({ attempts: [attempt(), attempt({ endpoint: "h:1" })] }),
    / h:1 .* \(2 attempts\)$/,
  );
  assertMatch(line({ role: "inbound", caller: "Web" }), /^in .*accounts\/7 {2}from Web$/);
});

Deno.test("tap, a path cannot steer a terminal, and dropped requests are told of", () => {
  assertMatch(line({ path: "/\x1b[2J" }), /\/\\u001b\[2J$/);
  assertEquals(tapLine({ dropped: 7 }), "... 7 requests came too fast to be shown");
});

Deno.test("tap, lines are whole however the text comes in pieces", async () => {
  async function* pieces(): AsyncGenerator<string> {
    for (const piece of ["{a", "}\n{b}\n\n", "{c}", "\n{half"]) yield await Promise.resolve(piece);
  }
  assertEquals(await Array.fromAsync(linesOf(pieces())), ["{a}", "{b}", "{c}"]);
});
