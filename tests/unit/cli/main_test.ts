/** The first argument finds its command, and nothing else does. */
import { assertEquals, assertMatch } from "@test/assert";
import { main } from "../../../lib/cli/main.ts";

async function run(...args: string[]) {
  let stdout = "", stderr = "";
  const code = await main({
    args,
    env: {},
    stdout: (text) => stdout += text,
    stderr: (text) => stderr += text,
    readFile: () => Promise.resolve(undefined),
  });
  return { code, stdout, stderr };
}

for (const args of [["--help"], ["-h"], ["help"]]) {
  Deno.test(`command line, ${args.join(" ")} prints the help`, async () => {
    const { code, stdout } = await run(...args);
    assertEquals(code, 0);
    assertMatch(stdout, /mesher run \[flags\] -- CMD/);
  });
}

for (const args of [["version"], ["--version"]]) {
  Deno.test(`command line, ${args.join(" ")} prints the version`, async () => {
    const { code, stdout } = await run(...args);
    assertEquals(code, 0);
    assertMatch(stdout, /^mesher \d+\.\d+\.\d+ .*\nnot built, runs from source\n$/);
  });
}

for (
  const [args, words] of [
    [["chekc"], /there is no command "chekc"/],
    [["toString"], /there is no command "toString"/],
    [["--timeouts.conect=1s"], /timeouts\.conect/],
    [["run"], /run wants a program/],
    [["registry", "extra"], /extra/],
    [["demo", "--fast"], /--fast/],
    [["demo-app"], /account or store/],
    [["drain", "now"], /drain takes nothing, not now/],
    [["health", "--redy"], /redy/],
    [["health", "--admin=127.0.0.1:0"], /set MESHER_ADMIN/],
  ] as const
) {
  Deno.test(`command line, ${args.join(" ")} is refused with code 2 and words`, async () => {
    const { code, stderr } = await run(...args);
    assertEquals(code, 2);
    assertMatch(stderr, words);
  });
}
