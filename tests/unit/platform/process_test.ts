/** The variables that make an application use the proxy. */
import { assertEquals } from "@test/assert";
import { proxyEnvironment } from "../../../lib/platform/process.ts";

const own = "localhost,127.0.0.1,::1";

const table: readonly (readonly [
  title: string,
  inherited: Record<string, string | undefined>,
  noProxy: string,
])[] = [
  ["loopback hosts are exempt", {}, own],
  ["what was exempt stays exempt", { no_proxy: "db, .corp" }, `db,.corp,${own}`],
  ["both spellings are kept", { no_proxy: "a", NO_PROXY: "b,a" }, `a,b,${own}`],
  ["nothing is named twice", { NO_PROXY: "::1,localhost" }, "::1,localhost,127.0.0.1"],
  ["empty entries vanish", { no_proxy: ",,a," }, `a,${own}`],
];

for (const [title, inherited, noProxy] of table) {
  Deno.test(`proxy environment, ${title}`, () => {
    assertEquals(proxyEnvironment(inherited, "http://127.0.0.1:30101"), {
      http_proxy: "http://127.0.0.1:30101",
      HTTP_PROXY: "http://127.0.0.1:30101",
      no_proxy: noProxy,
      NO_PROXY: noProxy,
    });
  });
}
