/** What telemetry has to do with the real system: a log file that is moved away, and figures of the process. */
import { assert, assertEquals } from "@test/assert";
import { AppendFile } from "../../lib/platform/append_file.ts";
import { LineQueue } from "../../lib/platform/line_queue.ts";
import { createProcessStats } from "../../lib/platform/process_stats.ts";

async function temporaryFolder() {
  const path = await Deno.makeTempDir({ prefix: "mesher-log-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** A file of lines and the time by which it looks whether it is still there. */
function setUp(path: string) {
  const time = { ms: 0 };
  const failures: unknown[] = [];
  const file = new AppendFile(path, () => time.ms);
  const queue = new LineQueue({ sink: file, failed: (error) => failures.push(error) });
  const write = async (line: string) => {
    queue.push(() => line);
    await queue.flush(5_000);
  };
  return { time, file, queue, failures, write };
}

Deno.test("log file, lines are added to what stands there", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/access.log`;
  await Deno.writeTextFile(path, "before\n");
  const { file, write } = setUp(path);
  await write("one");
  await write("two");
  file.close();
  assertEquals(await Deno.readTextFile(path), "before\none\ntwo\n");
});

for (const how of ["moved away", "removed"] as const) {
  Deno.test(`log file, one that was ${how} is made anew within a second`, async () => {
    await using folder = await temporaryFolder();
    const path = `${folder.path}/access.log`;
    const { time, file, write } = setUp(path);
    await write("one");
    if (how === "removed") await Deno.remove(path);
    else await Deno.rename(path, `${path}.1`);
    time.ms = 1_000;
    await write("two");
    file.close();
    assertEquals(await Deno.readTextFile(path), "two\n");
    if (how === "moved away") assertEquals(await Deno.readTextFile(`${path}.1`), "one\n");
  });
}

Deno.test("log file, one that cannot be written is told of once and tried again", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/missing/access.log`;
  const { file, queue, failures, write } = setUp(path);
  await write("one");
  await write("two");
  assertEquals([queue.dropped, failures.length], [2, 1]);
  assert(failures[0] instanceof Deno.errors.NotFound);
  await Deno.mkdir(`${folder.path}/missing`);
  await write("three");
  file.close();
  assertEquals([await Deno.readTextFile(path), queue.dropped], ["three\n", 2]);
});

Deno.test("process figures, memory and processor time are those of this process", () => {
  const read = createProcessStats();
  const { residentBytes, cpuSeconds } = read();
  assert(residentBytes > 10e6 && residentBytes < 10e9, String(residentBytes));
  assert(cpuSeconds !== undefined && cpuSeconds > 0);
  assert(read().cpuSeconds! >= cpuSeconds);
});

Deno.test({
  name: "process figures, an open file is one descriptor more",
  ignore: Deno.build.os !== "linux",
  fn() {
    const read = createProcessStats();
    const { maxFds } = read();
    const count = () => [...Deno.readDirSync("/proc/self/fd")].length - 1;
    /** The figure beside a count of before and one of after it: what else the runtime opens and closes is no mistake. */
    const figure = (): number => {
      for (let tries = 0; tries < 100; tries++) {
        const before = count();
        const { openFds } = read();
        if (before === count()) {
          assertEquals(openFds, before);
          return before;
        }
      }
      throw new Error("the number of open files does not stand still");
    };
    const openFds = figure();
    const files = Array.from({ length: 40 }, () => Deno.openSync("/dev/null"));
    const withFiles = figure();
    assert(withFiles >= openFds + 35, `${withFiles} after ${openFds}`);
    for (const file of files) file.close();
    assert(figure() <= withFiles - 35);
    const limits = Deno.readTextFileSync("/proc/self/limits");
    assertEquals(String(maxFds), /^Max open files\s+(\d+)/m.exec(limits)![1]);
  },
});
