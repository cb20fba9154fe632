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

for (const name of ["status", "explain", "tap", "top", "doctor"]) {
  Deno.test(`command line, ${name} --help prints its own help, and the help lists it`, async () => {
    const { code, stdout } = await run(name, "--help");
    assertEquals(code, 0);
    assertMatch(stdout, new RegExp(`^mesher ${name}\\b`));
    assertMatch(stdout, /--json/);
    assertMatch((await run("--help")).stdout, new RegExp(`^  mesher ${name}\\b`, "m"));
  });
}

Deno.test("command line, a bad configuration does not keep anybody from asking, but is told of", async () => {
  const { code, stderr } = await run(
    "status",
    "--admin=unix:/nowhere/a.sock",
    "--timeouts.connect=x",
  );
  assertEquals(code, 2);
  assertMatch(stderr, /timeouts\.connect: "x" is not a duration/);
  assertMatch(stderr, /no sidecar could be asked at unix:\/nowhere\/a\.sock: nobody listens there/);
});

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
    [["status", "now"], /status takes only flags, not now/],
    [["status", "--jsno"], /--jsno: is not a flag of this command; did you mean --json/],
    [["status", "--admin=127.0.0.1:0"], /set MESHER_ADMIN/],
    [["explain"], /explain wants METHOD and URL/],
    [["explain", "-H", "x", "GET", "http://A/"], /-H wants 'Name: value'/],
    [["tap", "--status", "700"], /--status 700/],
    [["tap", "AccountService"], /tap takes only flags/],
    [["top", "--seconds", "0"], /--seconds N/],
    [["doctor", "me"], /doctor takes only flags, not me/],
    [["tap", "--", "x"], /takes nothing after --/],
  ] as const
) {
  Deno.test(`command line, ${args.join(" ")} is refused with code 2 and words`, async () => {
    const { code, stderr } = await run(...args);
    assertEquals(code, 2);
    assertMatch(stderr, words);
  });
}
