/** The embedded registry answers every recorded exchange of a real Service Center, or differs for a stated reason. */
import { assert, assertEquals } from "@test/assert";
import type { Logger } from "../../lib/core/ports.ts";
import { createEmbeddedRegistry } from "../../lib/control/embedded/embedded.ts";
import { FakeClock } from "../support/fake_clock.ts";
import {
  demandedDeviations,
  deviations,
  type Exchange,
  type Recording,
} from "./embedded_recording.ts";
import { Replay } from "./embedded_replay.ts";

const folder = new URL("./recorded/", import.meta.url);

Deno.test("recorded exchanges, all files in order against one registry: every answer fits", async () => {
  await using registry = await startRegistry();
  const faults: string[] = [];
  let count = 0;
  for (const file of recordedFiles()) {
    await using replay = new Replay(registry);
    for (const [index, recorded] of readRecording(file).exchanges.entries()) {
      count++;
      const found = await replay.run(expectedHere(file, index, recorded));
      faults.push(...found.map((one) => `${file} ${index} (${recorded.name}): ${one}`));
    }
  }
  assertEquals(faults, []);
  assertEquals(count, 413);
  assertEquals(registry.errors, []);
});

for (const file of recordedFiles()) {
  Deno.test(`recorded exchanges, ${file} alone against a fresh registry: every answer fits`, async () => {
    await using registry = await startRegistry();
    await using replay = new Replay(registry);
    const faults: string[] = [];
    for (const [index, recorded] of readRecording(file).exchanges.entries()) {
      const found = await replay.run(expectedHere(file, index, recorded));
      faults.push(...found.map((one) => `${index} (${recorded.name}): ${one}`));
    }
    assertEquals(faults, []);
  });
}

Deno.test("deviations from the recordings: each names an existing exchange once, with a reason", () => {
  const seen = new Set<string>();
  for (const { file, index, reason } of deviations) {
    const exchange = readRecording(file).exchanges[index];
    assert(exchange, `${file} has no exchange ${index}`);
    assert(reason.length > 20, `${file} ${index} has no reason`);
    assert(!seen.has(`${file} ${index}`), `${file} ${index} is listed twice`);
    seen.add(`${file} ${index}`);
  }
});

Deno.test("deviations from the recordings: quirks only, but for the few that a rule demands", () => {
  const others = deviations
    .map(({ file, index }) => ({
      place: `${file} ${index}`,
      level: readRecording(file).exchanges[index]?.level,
    }))
    .filter(({ level }) => level !== "quirk");
  assertEquals(others.map(({ place }) => place), demandedDeviations);
  assertEquals(others.filter(({ level }) => level === "core"), []);
});

/** The exchange as this registry answers it. */
function expectedHere(file: string, index: number, recorded: Exchange): Exchange {
  const deviation = deviations.find((one) => one.file === file && one.index === index);
  return { ...recorded, ...deviation?.instead };
}

async function startRegistry() {
  const clock = new FakeClock({ wallMs: Date.parse("2026-01-01T00:00:00Z") });
  const errors: string[] = [];
  const logger: Logger = {
    error: (message) => errors.push(message),
    warn: () => {},
    info: () => {},
    debug: () => {},
  };
  let port = 0;
  const registry = createEmbeddedRegistry({
    clock,
    random: Math.random,
    logger,
    selfAddress: () => `127.0.0.1:${port}`,
    upgrade: (request) => Deno.upgradeWebSocket(request, { idleTimeout: 60 }),
    version: "0.0.1",
  });
  await registry.start();
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    registry.fetch,
  );
  port = server.addr.port;
  return {
    port,
    clock,
    errors,
    async [Symbol.asyncDispose]() {
      await registry.stop();
      await server.shutdown();
    },
  };
}

function recordedFiles(): string[] {
  return [...Deno.readDirSync(folder)].map((entry) => entry.name)
    .filter((name) => name.endsWith(".json")).sort();
}

function readRecording(file: string): Recording {
  return JSON.parse(Deno.readTextFileSync(new URL(file, folder)));
}
