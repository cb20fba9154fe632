import { assert, assertEquals } from "@test/assert";
import { runCheck } from "../../../lib/cli/check.ts";

interface World {
  readonly env?: Record<string, string>;
  readonly files?: Record<string, string>;
}

async function check(args: readonly string[], { env = {}, files = {} }: World = {}) {
  let stdout = "";
  let stderr = "";
  const code = await runCheck(args, {
    stdout: (text) => stdout += text,
    stderr: (text) => stderr += text,
    env,
    readFile: (path) => Promise.resolve(files[path]),
  });
  return { code, stdout, stderr };
}

Deno.test("mesher check without anything prints the defaults and ends with 0", async () => {
  const { code, stdout, stderr } = await check([]);
  assertEquals([code, stderr], [0, ""]);
  assert.match(stdout, /^app: default$/m);
  assert.match(stdout, /^timeouts:\n {2}connect: 1s$/m);
});

const files = { "a.yaml": "log: debug", "b.yaml": "log: loud" };
for (
  const [args, env] of [
    [["a.yaml"], {}],
    [["--config", "a.yaml"], {}],
    [[], { MESHER_CONFIG: "a.yaml" }],
    [["a.yaml"], { MESHER_CONFIG: "b.yaml" }],
    [["b.yaml", "--log=debug"], {}],
  ] as const
) {
  Deno.test(`mesher check ${args.join(" ")} with ${JSON.stringify(env)} finds its file`, async () => {
    const { code, stdout } = await check(args, { env, files });
    assertEquals(code, 0);
    assert.match(stdout, /^log: debug$/m);
  });
}

Deno.test("mesher check of a bad file prints one line per problem and nothing else, and ends with 2", async () => {
  const text = 'timeouts:\n  connect: 1 second\nlogg: info\nadmin_token: "x"\n';
  const result = await check(["mesher.yaml"], { files: { "mesher.yaml": text } });
  assertEquals(result, {
    code: 2,
    stdout: "",
    stderr:
      'timeouts.connect: "1 second" is not a duration; write for example 250ms, 1s or 2m (from mesher.yaml line 2)\n' +
      "admin_token: ******** is not a token (8 to 256 visible characters without spaces) (from mesher.yaml line 4)\n" +
      "logg: is not a key of the configuration; did you mean log? (from mesher.yaml line 3)\n",
  });
});

Deno.test("mesher check prints warnings and still ends with 0", async () => {
  const { code, stderr } = await check([], { env: { SERVICE_PORTS: "rest:8080" } });
  assertEquals(code, 0);
  assertEquals(
    stderr,
    "warning: ports: has no effect because service is not set: nothing is registered (from SERVICE_PORTS, read as MESHER_PORTS, which wins when set)\n",
  );
});

for (
  const [args, line] of [
    [["nowhere.yaml"], "nowhere.yaml: does not exist; name an existing file or none"],
    [["a.yaml", "b.yaml"], "check: takes one file, but got a.yaml and b.yaml"],
    [["--nope"], "--nope: is not a flag of this command"],
    [["a.yaml", "--", "x"], "check: takes nothing after --"],
  ] as const
) {
  Deno.test(`mesher check ${args.join(" ")} ends with 2 and says why`, async () => {
    assertEquals(await check(args, { files }), {
      code: 2,
      stdout: "",
      stderr: `${line} (from the command line)\n`,
    });
  });
}

Deno.test("mesher check never prints the admin token", async () => {
  const { code, stdout } = await check([], { env: { MESHER_ADMIN_TOKEN: "sesame-open" } });
  assertEquals(code, 0);
  assert.ok(!stdout.includes("sesame"), stdout);
});
