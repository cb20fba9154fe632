/** `mesher health` of the compiled file, and what a service manager is told. */
import { assertEquals, assertMatch } from "@test/assert";
import { adminOf, binaryTest, freeListeners } from "../support/binary_here.ts";

binaryTest("health, says alive and ready with code 0, past any proxy", async (programs) => {
  await Deno.writeTextFile(`${programs.folder}/services.yaml`, "[]\n");
  const sidecar = await programs.start([], {
    env: { ...freeListeners, MESHER_REGISTRY: `file://${programs.folder}/services.yaml` },
    until: /mesher is up/,
  });
  const env = { MESHER_ADMIN: adminOf(sidecar), http_proxy: "http://127.0.0.1:1" };
  const alive = await programs.once(["health"], env);
  assertEquals([alive.code, alive.stdout], [0, "ok\n"]);
  const ready = await programs.once(["health", "--ready"], env);
  assertEquals([ready.code, JSON.parse(ready.stdout).ready], [0, true]);
});

binaryTest(
  "health, a sidecar that is not ready is alive, and code 1 says so with the reason",
  async (programs) => {
    const sidecar = await programs.start([], {
      env: { ...freeListeners, MESHER_REGISTRY: "http://127.0.0.1:1" },
      until: /mesher is up/,
    });
    const env = { MESHER_ADMIN: adminOf(sidecar) };
    assertEquals((await programs.once(["health"], env)).code, 0);
    const ready = await programs.once(["health", "--ready"], env);
    assertEquals(ready.code, 1);
    assertMatch(ready.stdout, /the registry cannot be reached/);
  },
);

binaryTest("health, nobody there is code 1 and a sentence", async (programs) => {
  const { code, stderr } = await programs.once(["health"], { MESHER_ADMIN: "127.0.0.1:1" });
  assertEquals(code, 1);
  assertMatch(stderr, /nobody answers on 127\.0\.0\.1:1/);
});

binaryTest("health, a port that cannot be known is code 2", async (programs) => {
  const { code, stderr } = await programs.once(["health"], { MESHER_ADMIN: "127.0.0.1:0" });
  assertEquals(code, 2);
  assertMatch(stderr, /set MESHER_ADMIN/);
});
