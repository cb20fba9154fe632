/** The logger: how lines look, and that a stuck or broken sink never reaches the caller. */
import { assert, assertEquals } from "@test/assert";
import { createLogger, formatEntry, type LogLevel } from "../../../lib/platform/logger.ts";
import { settle } from "../../support/fake_clock.ts";

const wallMs = Date.UTC(2024, 0, 2, 3, 4, 5, 678);

const cyclic: Record<string, unknown> = {};
cyclic["self"] = cyclic;

const plain: readonly (readonly [
  title: string,
  level: LogLevel,
  message: string,
  fields: Record<string, unknown>,
  line: string,
])[] = [
  ["a message alone", "info", "ready", {}, "info  ready"],
  [
    "fields follow as name=value",
    "warn",
    "slow",
    { ms: 12, service: "A" },
    "warn  slow ms=12 service=A",
  ],
  [
    "values with spaces are quoted",
    "info",
    "a",
    { b: "c d", e: 'f"g' },
    'info  a b="c d" e="f\\"g"',
  ],
  ["an empty value is quoted", "info", "a", { b: "" }, 'info  a b=""'],
  ["structures are JSON", "info", "a", { b: [1, 2], c: null }, "info  a b=[1,2] c=null"],
  ["undefined fields are left out", "info", "a", { b: undefined }, "info  a"],
  [
    "an error gives its name, message and cause",
    "error",
    "a",
    { error: new TypeError("no", { cause: new Error("because") }) },
    'error a error="TypeError: no (because)"',
  ],
  ["line breaks cannot start a new line", "info", "a\nb", { c: "d\ne" }, 'info  a\\nb c="d\\ne"'],
  [
    "what cannot be printed is replaced",
    "info",
    "a",
    { cyclic, big: 1n },
    'info  a cyclic="(not printable)" big="(not printable)"',
  ],
];

for (const [title, level, message, fields, line] of plain) {
  Deno.test(`plain log line, ${title}`, () => {
    const entry = { level, message, fields, wallMs };
    assertEquals(formatEntry(entry, "plain"), `2024-01-02T03:04:05.678Z ${line}`);
  });
}

Deno.test("json log line, holds time, level, message and the fields", () => {
  const entry = { level: "info", message: "a\nb", fields: { c: 1, level: "x" }, wallMs } as const;
  const line = formatEntry(entry, "json");
  assert(!line.includes("\n"));
  assertEquals(JSON.parse(line), {
    time: "2024-01-02T03:04:05.678Z",
    level: "info",
    message: "a\nb",
    c: 1,
    field_level: "x",
  });
});

Deno.test("log line, a clock out of range does not throw", () => {
  const entry = { level: "info", message: "a", fields: {}, wallMs: Number.NaN } as const;
  assertEquals(formatEntry(entry, "plain"), "- info  a");
});

/** A sink that takes at most `step` bytes at once and can be held shut. */
function memorySink(step = 1_000_000) {
  let text = "";
  let gate: Promise<void> = Promise.resolve();
  return {
    lines: () => text.split("\n").slice(0, -1).map((line) => line.replace(/^\S+ /, "")),
    hold(until: Promise<void>) {
      gate = until;
    },
    async write(bytes: Uint8Array) {
      await gate;
      const part = bytes.subarray(0, step);
      text += new TextDecoder().decode(part);
      return part.length;
    },
  };
}

Deno.test("logger, writes what its level lets pass", async () => {
  const sink = memorySink();
  const logger = createLogger({ level: "warn", sink, wall: () => wallMs });
  logger.error("one");
  logger.warn("two");
  logger.info("three");
  logger.debug("four");
  await logger.flush(1_000);
  assertEquals(sink.lines(), ["error one", "warn  two"]);
});

Deno.test("logger, its level can be changed while it runs", async () => {
  const written: string[] = [];
  const logger = createLogger({
    level: "error",
    sink: {
      write: (
        bytes,
      ) => (written.push(new TextDecoder().decode(bytes)), Promise.resolve(bytes.length)),
    },
  });
  logger.info("hidden");
  logger.setLevel("info");
  logger.info("shown");
  logger.setLevel("error");
  logger.info("hidden again");
  await logger.flush(1000);
  assertEquals(written.map((line) => line.trim().split(" ").at(-1)), ["shown"]);
});

Deno.test("logger, a sink that takes a few bytes at a time gets every line whole", async () => {
  const sink = memorySink(7);
  const logger = createLogger({ level: "info", sink, wall: () => wallMs });
  logger.info("one");
  logger.info("two");
  await logger.flush(1_000);
  logger.info("three");
  await logger.flush(1_000);
  assertEquals(sink.lines(), ["info  one", "info  two", "info  three"]);
});

Deno.test("logger, lines that a stuck sink cannot take are dropped, counted and told later", async () => {
  const sink = memorySink();
  const { promise, resolve } = Promise.withResolvers<void>();
  sink.hold(promise);
  const logger = createLogger({ level: "info", sink, wall: () => wallMs, maxWaitingBytes: 100 });
  for (let count = 1; count <= 50; count++) logger.info(`line ${count}`);
  await settle();
  resolve();
  await logger.flush(1_000);
  assertEquals(sink.lines(), [
    "info  line 1",
    "info  line 2",
    "info  line 3",
    "warn  log lines were dropped, standard error was stuck lines=47",
  ]);
  logger.info("after");
  await logger.flush(1_000);
  assertEquals(sink.lines().at(-1), "info  after");
});

Deno.test("logger, flush gives up on a stuck sink after its time", async () => {
  const sink = memorySink();
  const { promise, resolve } = Promise.withResolvers<void>();
  sink.hold(promise);
  const logger = createLogger({ level: "info", sink });
  logger.info("one");
  await logger.flush(1);
  assertEquals(sink.lines(), []);
  resolve();
  await logger.flush(1_000);
  assertEquals(sink.lines(), ["info  one"]);
});

Deno.test("logger, a sink that fails costs its lines and nothing else", async () => {
  let calls = 0;
  const broken = {
    write(): Promise<number> {
      calls++;
      throw new Deno.errors.BrokenPipe("gone");
    },
  };
  const logger = createLogger({ level: "info", sink: broken });
  logger.info("one");
  await logger.flush(1_000);
  logger.info("two");
  await logger.flush(1_000);
  assertEquals(calls, 2);
});
