/** The effects on the real system: files, clock, probe, resolver. */
import { assert, assertEquals, rejection } from "@test/assert";
import { realFiles } from "../../lib/platform/files.ts";
import { realClock } from "../../lib/platform/real_clock.ts";
import { resolveHost } from "../../lib/platform/resolver.ts";
import { tcpProbe } from "../../lib/platform/tcp_probe.ts";

async function temporaryFolder() {
  const path = await Deno.makeTempDir({ prefix: "mesher-files-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

async function names(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(folder)) found.push(entry.name);
  return found.sort();
}

Deno.test("files, what was replaced is read back and nothing else is left in the folder", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/deep/er/state.json`;
  await realFiles.replace(path, "one");
  await realFiles.replace(path, "two \u{1F30D}");
  assertEquals(await realFiles.read(path), "two \u{1F30D}");
  assertEquals(await names(`${folder.path}/deep/er`), ["state.json"]);
});

Deno.test({
  name: "files, what is written is for the own user only",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using folder = await temporaryFolder();
    await realFiles.replace(`${folder.path}/sub/state.json`, "secret");
    const file = await Deno.stat(`${folder.path}/sub/state.json`);
    const sub = await Deno.stat(`${folder.path}/sub`);
    assertEquals(file.mode! & 0o777, 0o600);
    assertEquals(sub.mode! & 0o777, 0o700);
  },
});

Deno.test("files, a reader sees only whole texts while two writers replace the file", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/state.json`;
  const texts = ["a", "b"].map((letter) => letter.repeat(200_000));
  await realFiles.replace(path, texts[0]!);
  let writing = true;
  const writers = Promise.all(texts.map(async (text) => {
    for (let round = 0; round < 10; round++) await realFiles.replace(path, text);
  })).finally(() => writing = false);
  let reads = 0;
  while (writing) {
    assert(texts.includes(await realFiles.read(path) ?? ""), "a torn file");
    reads++;
  }
  await writers;
  assert(reads > 0);
  assertEquals(await names(folder.path), ["state.json"]);
});

Deno.test("files, a replacement that fails leaves the old text and no other file", async () => {
  await using folder = await temporaryFolder();
  // A folder in the target's place makes the rename fail, for root too.
  await Deno.mkdir(`${folder.path}/state.json/inside`, { recursive: true });
  const error = await rejection(realFiles.replace(`${folder.path}/state.json`, "new"));
  assert(error instanceof Error);
  assertEquals(await names(folder.path), ["state.json"]);
});

Deno.test("files, what a killed process left half written goes away, fresh and foreign files stay", async () => {
  await using folder = await temporaryFolder();
  const left = ["state.json.1-0.tmp", "state.json.2-0.tmp", "state.json.bak", "other.1-0.tmp"];
  for (const name of left) await Deno.writeTextFile(`${folder.path}/${name}`, "half");
  const old = new Date(Date.now() - 3_600_000);
  for (const name of left.filter((one) => one !== "state.json.2-0.tmp")) {
    await Deno.utime(`${folder.path}/${name}`, old, old);
  }
  await realFiles.replace(`${folder.path}/state.json`, "whole");
  assertEquals(await names(folder.path), [
    "other.1-0.tmp",
    "state.json",
    "state.json.2-0.tmp",
    "state.json.bak",
  ]);
});

Deno.test("files, a missing file reads as undefined and a folder as an error", async () => {
  await using folder = await temporaryFolder();
  assertEquals(await realFiles.read(`${folder.path}/none`), undefined);
  assert(await rejection(realFiles.read(folder.path)) instanceof Error);
});

Deno.test("files, a damaged file is set aside under its suffix, a missing one is no error", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/state.json`;
  await realFiles.replace(path, "damaged");
  await realFiles.setAside(path, ".broken");
  await realFiles.setAside(path, ".broken");
  assertEquals(await names(folder.path), ["state.json.broken"]);
});

Deno.test("real clock, sleep takes its time and an abort ends it early", async () => {
  // The clock's own timers would let the process end here.
  const alive = setInterval(() => {}, 60_000);
  const beganMs = realClock.now();
  await realClock.sleep(20);
  assert(realClock.now() - beganMs >= 19);
  const stop = new AbortController();
  const long = realClock.sleep(2 ** 40, stop.signal);
  stop.abort();
  await long;
  await realClock.sleep(60_000, stop.signal);
  assert(realClock.now() - beganMs < 30_000);
  clearInterval(alive);
});

Deno.test("real clock, a sleep does not keep the process alive", async () => {
  const module = new URL("../../lib/platform/real_clock.ts", import.meta.url).href;
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", `import { realClock } from "${module}"; realClock.sleep(60_000);`],
    signal: AbortSignal.timeout(30_000),
    stdout: "null",
    stderr: "null",
  }).output();
  assert(success);
});

Deno.test("tcp probe, true for a listener and false for a closed port or an unknown host", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  assertEquals(await tcpProbe("127.0.0.1", port, 5_000), true);
  listener.close();
  assertEquals(await tcpProbe("127.0.0.1", port, 5_000), false);
  assertEquals(await tcpProbe("no-such-host.invalid", port, 5_000), false);
});

Deno.test("resolver, localhost has a loopback address and no repetition", async () => {
  const addresses = await resolveHost("localhost");
  assert(addresses.includes("127.0.0.1") || addresses.includes("::1"), addresses.join());
  assertEquals(new Set(addresses).size, addresses.length);
});

Deno.test("resolver, an unknown name is an error", async () => {
  assert(await rejection(resolveHost("no-such-host.invalid")) instanceof Error);
});
