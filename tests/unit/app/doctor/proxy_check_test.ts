/** The doctor's look at proxy variables. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { exempts, judgeProxy, type ProxyFacts } from "../../../../lib/app/doctor/proxy_check.ts";

const here = {
  outbound: { host: "127.0.0.1", port: 30101 },
  inbound: { host: "0.0.0.0", port: 30103 },
  admin: { host: "127.0.0.1", port: 30102 },
  services: ["AccountService", "Cart.shop"],
};
const right = "http://127.0.0.1:30101";

for (
  const [env, level, words] of [
    [{}, "note", /http_proxy is not set here/],
    [{ http_proxy: right }, "ok", /leads to this sidecar/],
    [{ http_proxy: "localhost:30101" }, "ok", /leads to this sidecar/],
    [{ http_proxy: right, HTTP_PROXY: right }, "ok", /./],
    [{ HTTP_PROXY: right }, "warning", /only HTTP_PROXY is set/],
    [{ http_proxy: right, HTTP_PROXY: "http://corp:80" }, "warning", /differ/],
    [{ http_proxy: "http://127.0.0.1:30103" }, "problem", /the inbound listener.*back to itself/],
    [{ http_proxy: "http://127.0.0.1:30102" }, "problem", /the admin listener/],
    [
      { http_proxy: "http://u:secret@corp:3128" },
      "warning",
      /=http:\/\/\*\*\*@corp:3128 leads else/,
    ],
    [{ http_proxy: "http://" }, "warning", /is not an address/],
    [{ http_proxy: right, no_proxy: "localhost,127.0.0.1" }, "ok", /./],
    [
      { http_proxy: right, no_proxy: "localhost,accountservice" },
      "warning",
      /AccountService \(by acc/,
    ],
    [{ http_proxy: right, NO_PROXY: ".shop" }, "warning", /Cart\.shop \(by \.shop\)/],
    [{ http_proxy: right, no_proxy: "*" }, "warning", /every call past mesher/],
  ] satisfies readonly (readonly [ProxyFacts["env"], string, RegExp])[]
) {
  Deno.test(`doctor, variables of a shell: ${JSON.stringify(env)}`, () => {
    const found = judgeProxy({ env, ...here });
    assertEquals(found.map((one) => one.level), [level]);
    assertMatch(found[0]!.says, words);
    assert(!JSON.stringify(found).includes("secret"));
  });
}

Deno.test("doctor, an entry of no_proxy names a host or the domain it is in", () => {
  assertEquals(
    [
      exempts("a", "A"),
      exempts(".b", "a.b"),
      exempts("*.b", "a.b"),
      exempts("b", "a.b"),
      exempts("b", "ab"),
      exempts("a.b:80", "a.b"),
      exempts("", "a"),
    ],
    [true, true, true, true, false, true, false],
  );
});
