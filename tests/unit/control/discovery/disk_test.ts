/** The discovery snapshot on disk: what is written, what is read back, what is refused. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import type { EarlierSet } from "../../../../lib/control/discovery/cache_options.ts";
import { DiskSnapshot } from "../../../../lib/control/discovery/disk.ts";
import { encodeSnapshot } from "../../../../lib/control/discovery/disk_format.ts";
import type { Files } from "../../../../lib/core/ports.ts";
import { FakeClock, settle } from "../../../support/fake_clock.ts";
import { instance, RecordingLogger } from "../../../support/registry_fakes.ts";

const scope = { registry: "service center http://r:30100", app: "default", environment: "" };
const path = "/state/discovery.json";
const hour = 3_600_000;

class FakeFiles implements Files {
  readonly texts = new Map<string, string>();
  writes = 0;
  failure: Error | undefined;
  /** Resolved at the next write; hashing is real work that the fake clock does not wait for. */
  written = Promise.withResolvers<void>();

  read(name: string): Promise<string | undefined> {
    return this.failure ? Promise.reject(this.failure) : Promise.resolve(this.texts.get(name));
  }
  replace(name: string, text: string): Promise<void> {
    this.writes++;
    this.written.resolve();
    this.written = Promise.withResolvers();
    if (this.failure) return Promise.reject(this.failure);
    this.texts.set(name, text);
    return Promise.resolve();
  }
  setAside(name: string, suffix: string): Promise<void> {
    this.texts.set(name + suffix, this.texts.get(name)!);
    this.texts.delete(name);
    return Promise.resolve();
  }
}

function setUp(sets: readonly EarlierSet[] = [], files = new FakeFiles()) {
  const clock = new FakeClock();
  const logger = new RecordingLogger();
  const disk = new DiskSnapshot({ path, files, clock, logger, scope, read: () => sets });
  return { clock, logger, files, disk };
}

const account: EarlierSet = {
  service: "Account",
  instances: [instance("rest://10.0.0.1:80", { properties: { a: "1" } })],
  ageMs: 5_000,
};

async function written(sets: readonly EarlierSet[]): Promise<FakeFiles> {
  const { disk, files } = setUp(sets);
  disk.changed();
  await disk.stop();
  return files;
}

Deno.test("disk snapshot, what was written is read back with its age", async () => {
  const files = await written([account]);
  const { disk, clock } = setUp([], files);
  assertEquals(await disk.load(), [account]);
  clock.jumpWall(hour);
  assertEquals(await disk.load(), [{ ...account, ageMs: hour + 5_000 }]);
});

Deno.test("disk snapshot, a clock that was set back makes no negative age", async () => {
  const { disk, clock } = setUp([], await written([account]));
  clock.jumpWall(-hour);
  assertEquals(await disk.load(), [{ ...account, ageMs: 0 }]);
});

Deno.test("disk snapshot, sets that nobody confirmed for a day are forgotten, the others stay", async () => {
  const fresh = { ...account, service: "Fresh", ageMs: 0 };
  const { disk, clock } = setUp([], await written([{ ...account, ageMs: hour }, fresh]));
  clock.jumpWall(23.5 * hour);
  assertEquals((await disk.load()).map((set) => set.service), ["Fresh"]);
});

Deno.test("disk snapshot, changes in quick succession are one write, and quiet times renew it", async () => {
  const { disk, clock, files } = setUp([account]);
  disk.start();
  for (let i = 0; i < 5; i++) {
    disk.changed();
    await clock.advance(100);
  }
  assertEquals(files.writes, 0);
  let next = files.written.promise;
  await clock.advance(500);
  await next;
  next = files.written.promise;
  await settle();
  await clock.advance(600_000);
  await next;
  assertEquals(files.writes, 2);
  await disk.stop();
  assertEquals(files.writes, 2);
  assertEquals(clock.sleeping, 0);
});

Deno.test("disk snapshot, nothing known is not written again and again", async () => {
  const { disk, clock, files } = setUp([]);
  disk.start();
  await clock.advance(3_600_000);
  await disk.stop();
  assertEquals(files.writes, 0);
});

Deno.test("disk snapshot, stopping writes what was still waiting", async () => {
  const { disk, files, clock } = setUp([account]);
  disk.start();
  disk.changed();
  await clock.advance(10);
  await disk.stop();
  assertEquals(files.writes, 1);
});

Deno.test("disk snapshot, a disk that cannot be written is told of once, and once when it works again", async () => {
  const { disk, clock, files, logger } = setUp([account]);
  files.failure = new Error("no space left on device");
  disk.start();
  for (let i = 0; i < 3; i++) {
    const next = files.written.promise;
    disk.changed();
    await clock.advance(1_000);
    await next;
    await settle();
  }
  assertEquals(logger.of("warn").length, 1);
  assertMatch(logger.of("warn")[0]!, /cannot be written: no space left/);
  files.failure = undefined;
  disk.changed();
  await disk.stop();
  assertMatch(logger.of("info")[0]!, /can be written again/);
});

Deno.test("disk snapshot, no file is no news", async () => {
  const { disk, logger } = setUp();
  assertEquals(await disk.load(), []);
  assertEquals(logger.lines, []);
});

Deno.test("disk snapshot, a file that cannot be read is a warning", async () => {
  const files = new FakeFiles();
  files.failure = new Error("permission denied");
  const { disk, logger } = setUp([], files);
  assertEquals(await disk.load(), []);
  assertMatch(logger.of("warn")[0]!, /cannot be read: permission denied/);
});

const valid = (await written([account])).texts.get(path)!;

for (
  const [what, text, why] of [
    ["empty", "", /it is empty/],
    ["cut off", valid.slice(0, valid.length / 2), /it is no JSON/],
    ["binary", "\u0000\u0001\ufffd\u0002", /it is no JSON/],
    ["something else", '{"hello":1}', /it is no discovery snapshot/],
    ["of a future version", valid.replace('"version": 1', '"version": 2'), /its version is 2/],
    ["changed by hand", valid.replace("10.0.0.1", "10.0.0.9"), /its checksum is wrong/],
    [
      "of the wrong shape",
      await encodeSnapshot({ scope, savedAt: 1, sets: [{ service: 7 }] as never }),
      /wrong shape/,
    ],
  ] as const
) {
  Deno.test(`disk snapshot, a file that is ${what} is set aside with a warning`, async () => {
    const files = new FakeFiles();
    files.texts.set(path, text);
    const { disk, logger } = setUp([], files);
    assertEquals(await disk.load(), []);
    assertEquals([...files.texts.keys()], [`${path}.damaged`]);
    assertEquals(logger.of("warn").length, 1);
    assertMatch(logger.of("warn")[0]!, why);
  });
}

Deno.test("disk snapshot, the sets of another registry are not used and not thrown away", async () => {
  const files = await written([account]);
  const logger = new RecordingLogger();
  const disk = new DiskSnapshot({
    path,
    files,
    clock: new FakeClock(),
    logger,
    scope: { ...scope, registry: "file /etc/services.yaml" },
    read: () => [],
  });
  assertEquals(await disk.load(), []);
  assert(files.texts.has(path));
  assertMatch(logger.of("info")[0]!, /another registry/);
});
