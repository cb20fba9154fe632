/** The doctor's looks at registry, clock and names of hosts. */
import { assertEquals, assertMatch } from "@test/assert";
import { checkDns } from "../../../../lib/app/doctor/dns_check.ts";
import {
  askRegistry,
  judgeClock,
  judgeRegistry,
  judgeRegistryFile,
  type RegistryAnswer,
} from "../../../../lib/app/doctor/registry_check.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

const well: RegistryAnswer = { address: "http://a:1", tookMs: 3, status: 200, aheadMs: 100 };
const silent: RegistryAnswer = { address: "http://b:1", tookMs: 3, error: "connection refused" };

for (
  const [name, answers, levels, words] of [
    ["one that answers", [well], ["ok"], /answers within 3 ms/],
    ["one that refuses to say anything without a token", [{ ...well, status: 401 }], ["ok"], /./],
    [
      "one that is silent",
      [silent],
      ["problem"],
      /http:\/\/b:1 cannot be used: connection refused/,
    ],
    ["one that fails", [{ ...well, status: 503 }], ["problem"], /it answers 503/],
    ["one of two that is silent", [well, silent], ["warning"], /http:\/\/b:1/],
    ["a slow one", [{ ...well, tookMs: 900 }], ["warning"], /took 900 ms/],
  ] satisfies readonly (readonly [string, readonly RegistryAnswer[], readonly string[], RegExp])[]
) {
  Deno.test(`doctor, registry: ${name}`, () => {
    const found = judgeRegistry(answers);
    assertEquals(found.map(({ level }) => level), levels);
    assertMatch(found[0]!.says, words);
  });
}

for (
  const [aheadMs, level, words] of [
    [0, "ok", /agree/],
    [-1900, "ok", /agree/],
    [-5000, "warning", /5\.0 s ahead of that of the registry http:\/\/a:1: logs and traces/],
    [20_000, "warning", /20 s behind/],
    [90_000, "problem", /90 s behind .*certificates/],
    [undefined, "skipped", /told its time/],
  ] as const
) {
  Deno.test(`doctor, clock: the registry is ${aheadMs} ms ahead`, () => {
    const { aheadMs: _, ...rest } = well;
    const found = judgeClock([aheadMs === undefined ? rest : { ...rest, aheadMs }]);
    assertEquals(found.level, level);
    assertMatch(found.says, words);
  });
}

Deno.test("doctor, a slow answer is no skew: half of its time may lie on either side", () => {
  assertEquals(judgeClock([{ ...well, aheadMs: 2900, tookMs: 2000 }]).level, "ok");
});

Deno.test("doctor, registry: each address is asked, its time is compared, its silence has a reason", async () => {
  const clock = new FakeClock();
  const date = new Date(clock.wall() + 10_000).toUTCString();
  const answers = await askRegistry(["http://a:1", "http://b:1"], {
    clock,
    fetch: (url) =>
      url.startsWith("http://a:1/")
        ? Promise.resolve(new Response("x", { headers: { date } }))
        : Promise.reject(
          new TypeError("fetch failed", { cause: new Error("tcp: Connection refused") }),
        ),
  });
  const ahead = answers[0]!.aheadMs!;
  assertEquals([answers[0]!.status, ahead > 9000 && ahead < 11_000], [200, true]);
  assertEquals(answers[1]!.error, "connection refused: nothing listens there");
});

Deno.test("doctor, registry: a file is named with what is wrong with it", () => {
  assertEquals(judgeRegistryFile({ path: "/s.yaml", error: undefined }).level, "note");
  const { level, says } = judgeRegistryFile({ path: "/s.yaml", error: "no list" });
  assertEquals([level, says], ["problem", "the registry file /s.yaml cannot be used: no list"]);
});

Deno.test("doctor, dns: names that resolve are one line, others are named with the reason", async () => {
  const clock = new FakeClock();
  const resolve = (name: string) =>
    name === "good" ? Promise.resolve(["10.0.0.1"]) : Promise.reject(new Error("ENOTFOUND"));
  assertEquals(await checkDns(["good"], { resolve, clock }), [
    { check: "dns", level: "ok", says: "resolved good" },
  ]);
  const [bad, ...others] = await checkDns(["good", "bad"], { resolve, clock });
  assertEquals(others, []);
  assertEquals([bad!.level, bad!.says], ["problem", "the name bad has no address: ENOTFOUND"]);
});

Deno.test("doctor, dns: a resolver that takes long, and one that never answers", async () => {
  const clock = new FakeClock();
  const { promise, resolve: answer } = Promise.withResolvers<readonly string[]>();
  const slow = checkDns(["slow"], { resolve: () => promise, clock });
  await clock.advance(700);
  answer(["10.0.0.1"]);
  assertEquals((await slow)[0]!.says, "the name slow took 700 ms to resolve");
  const never = checkDns(["never"], { resolve: () => new Promise(() => {}), clock });
  await clock.advance(3000);
  assertMatch((await never)[0]!.says, /was not resolved within 3 s/);
});
