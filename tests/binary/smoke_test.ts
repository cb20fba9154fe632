/** The compiled file: starts, proxies by name, drains, refuses a bad configuration, shows the demo. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { startPrograms } from "../support/binary.ts";

const binary = new URL("../../dist/mesher", import.meta.url).pathname;

Deno.test("binary, says its version, commit, build date, Deno and V8", async () => {
  await using programs = startPrograms(binary);
  const { code, stdout } = await programs.once(["version"]);
  assertEquals(code, 0);
  assertMatch(
    stdout,
    /^mesher \d+\.\d+\.\d+ \(linux \S+, Deno \d\S+, V8 \d\S+\)\ncommit \S+, built \d{4}-\d\d-\d\dT\S+Z\n$/,
  );
});

Deno.test("binary, refuses a bad configuration with code 2 and names the key", async () => {
  await using programs = startPrograms(binary);
  const { code, stderr } = await programs.once([], { MESHER_TIMEOUTS_CONNECT: "soon" });
  assertEquals(code, 2);
  assertMatch(stderr, /timeouts\.connect.*soon/);
});

Deno.test("binary, a port that is taken is code 1 and a sentence", async () => {
  await using programs = startPrograms(binary);
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { code, stderr } = await programs.once([], {
    MESHER_OUTBOUND: `127.0.0.1:${taken.addr.port}`,
    MESHER_ADMIN: "127.0.0.1:0",
    MESHER_REGISTRY: "http://127.0.0.1:1",
  });
  assertEquals(code, 1);
  assertMatch(stderr, /cannot listen on 127\.0\.0\.1:\d+ \(outbound\).*in use/);
});

Deno.test("binary, two sidecars carry a call by name and end in order", async () => {
  await using programs = startPrograms(binary);
  const port = programs.freePort();
  const registry = await programs.start(["registry"], {
    env: { MESHER_REGISTRY_LISTEN: "127.0.0.1:0" },
    until: /the registry is up listen=(\S+)/,
  });
  const common = {
    MESHER_REGISTRY: `http://${registry.found}`,
    MESHER_OUTBOUND: "127.0.0.1:0",
    MESHER_INBOUND: "127.0.0.1:0",
    MESHER_ADMIN: "127.0.0.1:0",
  };
  const app = [binary, "demo-app", "account", String(port), "one"];
  const provider = await programs.start(["run", "--", ...app], {
    env: { ...common, MESHER_SERVICE: "AccountService", MESHER_PORTS: `rest:${port}` },
    until: /registered (AccountService)/,
  });
  const consumer = await programs.start([], { env: common, until: /mesher is up outbound=(\S+)/ });

  using client = Deno.createHttpClient({ proxy: { url: `http://${consumer.found}` } });
  const answer = await fetch("http://AccountService/balance/7", { client });
  assertEquals(answer.status, 200);
  const { instance, path } = await answer.json();
  assertEquals([instance, path], ["one", "/balance/7"]);

  for (const program of [provider, consumer, registry]) {
    const code = await program.end("SIGTERM");
    // `run` passes on the code of the application, which has no handler and dies of the signal.
    assertEquals(code, program === provider ? 143 : 0);
  }
});

Deno.test("binary, the demo ends by itself without a failed call", async () => {
  await using programs = startPrograms(binary);
  const { code, stdout } = await programs.once(["demo"]);
  assertEquals(code, 0, stdout);
  const calls = /calls: (\d+), failures: 0/.exec(stdout);
  assert(calls !== null && Number(calls[1]) > 500, stdout);
});
