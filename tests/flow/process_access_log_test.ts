/** The access log of a real sidecar: its forms, what is always in it, and an output that nobody reads. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { accessLogFields } from "../../lib/core/access_log_format.ts";
import { medianOf, timeOf } from "../support/measured.ts";
import { type Lab, until } from "../support/process.ts";
import { callOnce, ProxyClient, serveApp } from "../support/process_http.ts";
import {
  mesherCommand,
  metric,
  newFolder,
  type SidecarProcess,
  startRegistry,
  startSidecar,
  untilRegistered,
  untilUp,
} from "../support/process_mesher.ts";
import { processStory } from "../support/process_story.ts";

async function startLogging(
  lab: Lab,
  env: Readonly<Record<string, string>>,
): Promise<SidecarProcess> {
  const registry = await startRegistry(lab);
  const sidecar = await startSidecar(lab, {
    env: {
      REGISTRY: registry.url,
      SERVICE: "AccountService",
      PORTS: `rest:${serveApp(lab, () => new Response("hello"))}`,
      ACCESS_LOG_ENABLED: "true",
      ...env,
    },
  });
  await untilRegistered(sidecar);
  return sidecar;
}

/** One call that goes well, and one that the sidecar has to answer itself. */
async function callBoth({ outbound }: SidecarProcess): Promise<void> {
  const fields = ["Authorization: Bearer secret", "Cookie: sid=secret"];
  const well = await callOnce(outbound, "http://AccountService/a%22b?token=secret", {
    method: "POST",
    body: "order secret",
    fields,
  });
  const failed = await callOnce(outbound, "http://NobodyService/x?token=secret", { fields });
  assertEquals([well.status, failed.status], [200, 503]);
}

/** Waits for so many whole lines. */
async function linesOf(read: () => Promise<string>, count: number): Promise<readonly string[]> {
  return await until(async () => {
    const lines = (await read()).split("\n").slice(0, -1);
    return lines.length >= count ? lines : undefined;
  }, `${count} lines`);
}

processStory("access log, lines of JSON on standard output, for both directions", async (lab) => {
  const sidecar = await startLogging(lab, {});
  await callBoth(sidecar);
  const lines = await linesOf(() => sidecar.process.output(), 3);
  assertEquals(lines.length, 3);
  const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  for (const record of records) {
    for (const name of Object.keys(record)) assert(name in accessLogFields, name);
  }
  const by = (role: string, status: number) =>
    records.find((each) => each["role"] === role && each["status"] === status)!;
  const out = by("outbound", 200), inside = by("inbound", 200), failed = by("outbound", 503);
  assertEquals(
    [out, inside, failed].map((each) =>
      ["method", "path", "service", "caller", "attempts", "code"].map((name) => each[name])
    ),
    [
      ["POST", "/a%22b", "AccountService", "AccountService", 1, undefined],
      ["POST", "/a%22b", "AccountService", "AccountService", 1, undefined],
      ["GET", "/x", undefined, "AccountService", 0, "service_unknown"],
    ],
  );
  assertEquals([out["endpoint"], out["request_bytes"], out["response_bytes"]], [
    `127.0.0.1:${sidecar.inbound}`,
    12,
    5,
  ]);
  for (const { time, duration_ms, added_ms } of records) {
    assert(Math.abs(Date.now() - Date.parse(String(time))) < 60_000, String(time));
    assert(Number(duration_ms) >= Number(added_ms) && Number(added_ms) >= 0);
  }
  assert(!lines.join().includes("secret"), lines.join("\n"));
});

processStory("access log, in a form of one's own, into a file", async (lab) => {
  const path = `${lab.folder}/access.log`;
  const sidecar = await startLogging(lab, {
    ACCESS_LOG_FORMAT: '%{role} "%{method} %{path}" %{status} %{code} 100%%',
    ACCESS_LOG_FILE: path,
  });
  await callBoth(sidecar);
  const lines = await linesOf(() => Deno.readTextFile(path).catch(() => ""), 3);
  assertEquals(lines.toSorted(), [
    'inbound "POST /a%22b" 200 - 100%',
    'outbound "GET /x" 503 service_unknown 100%',
    'outbound "POST /a%22b" 200 - 100%',
  ]);
  assertEquals(await sidecar.process.output(), "");
});

processStory("access log, of no requests has the failures all the same", async (lab) => {
  const sidecar = await startLogging(lab, {
    ACCESS_LOG_SHARE_PERCENT: "0",
    ACCESS_LOG_FORMAT: "%{status} %{path}",
  });
  for (let round = 0; round < 5; round++) await callBoth(sidecar);
  await callOnce(sidecar.outbound, "http://AccountService/", { fields: ["Bad Field: x"] });
  const lines = await linesOf(() => sidecar.process.output(), 6);
  sidecar.process.signal("SIGTERM");
  await sidecar.process.exited();
  // Each of the data threads sends its own lines.
  assertEquals(lines.toSorted(), ["400 -", ...Array(5).fill("503 /x")]);
  assertEquals((await sidecar.process.output()).split("\n").length, 7);
});

processStory("access log, off: nothing is on standard output", async (lab) => {
  const sidecar = await startLogging(lab, { ACCESS_LOG_ENABLED: "false" });
  await callBoth(sidecar);
  sidecar.process.signal("SIGTERM");
  await sidecar.process.exited();
  assertEquals(await sidecar.process.output(), "");
});

/** A sidecar whose standard output is a pipe that the test holds open and does not read. */
async function startStuck(lab: Lab): Promise<{ sidecar: SidecarProcess; pipe: Deno.FsFile }> {
  const path = `${lab.folder}/pipe`;
  await lab.run(["mkfifo", path]);
  const pipe = await Deno.open(path, { read: true, write: true });
  lab.defer(() => pipe.close());
  const app = serveApp(lab, () => new Response("hello"));
  const process = lab.start(
    "stuck",
    ["/bin/sh", "-c", 'to=$1; shift; exec "$@" >"$to"', "sh", path, ...mesherCommand()],
    {
      env: {
        MESHER_REGISTRY_LISTEN: "127.0.0.1:0",
        MESHER_SERVICE: "AccountService",
        MESHER_PORTS: `rest:${app}`,
        MESHER_OUTBOUND: "127.0.0.1:0",
        MESHER_INBOUND: "127.0.0.1:0",
        MESHER_ADMIN: "127.0.0.1:0",
        MESHER_STATE_DIR: newFolder(lab),
        MESHER_ACCESS_LOG_ENABLED: "true",
        MESHER_ACCESS_LOG_FORMAT: "%{path}",
      },
    },
  );
  const sidecar = await untilUp(process);
  await untilRegistered(sidecar);
  return { sidecar, pipe };
}

processStory("access log, an output that nobody reads costs lines and no calls", async (lab) => {
  const { sidecar, pipe } = await startStuck(lab);
  const client = new ProxyClient(sidecar.outbound);
  lab.defer(() => client.close());
  const path = `/${"long".repeat(3_000)}`;
  const call = async () => {
    const { status } = await client.call("GET", `http://AccountService${path}`);
    assertEquals(status, 200);
  };
  const dropped = async () => (await metric(sidecar, "mesher_access_log_lines_dropped_total"))!;
  await call();
  let calls = 1;
  const tookMs: number[] = [];
  while (await dropped() === 0) {
    for (let round = 0; round < 20; round++) tookMs.push(await timeOf(call));
    calls += 20;
    assert(calls < 2_000, "the queue has no bound");
  }
  // Beside an output that is stuck a call takes what it took before it was.
  const [first, stuck] = [medianOf(tookMs.slice(0, 20)), medianOf(tookMs.slice(-20))];
  assert(stuck < 100 + 10 * first, `calls took ${first} ms at first, then ${stuck} ms`);
  // What the pipe and the queue hold is what a line is long times the lines that were not dropped; the last ones may
  // still be on their way from the data threads.
  const keptBytes = async () => (2 * calls - await dropped()) * (path.length + 1);
  await until(
    async () => await keptBytes() < 1.5 * 2 ** 20 ? true : undefined,
    "the lines that are kept to be few",
  );

  // Somebody reads again: what waited comes whole, and the loss is told of.
  const decoder = new TextDecoder();
  let text = "";
  const buffer = new Uint8Array(65_536);
  const reading = (async () => {
    while (!text.includes("/end")) {
      text += decoder.decode(buffer.subarray(0, (await pipe.read(buffer))!));
    }
  })();
  await sidecar.process.line(/lines of the access log were dropped, standard output was stuck/);
  await callOnce(sidecar.outbound, "http://AccountService/end");
  await reading;
  const lines = text.split("\n").slice(0, -1);
  const whole = lines.filter((line) => line === path).length;
  assertEquals(new Set(lines.filter((line) => line !== "/end")), new Set([path]));
  assertEquals(whole + await dropped(), 2 * calls);
});

processStory("access log, a sidecar whose output is stuck ends in time", async (lab) => {
  const { sidecar } = await startStuck(lab);
  const client = new ProxyClient(sidecar.outbound);
  lab.defer(() => client.close());
  for (let call = 0; call < 60; call++) {
    await client.call("GET", `http://AccountService/${"long".repeat(3_000)}`);
  }
  const startMs = performance.now();
  sidecar.process.signal("SIGTERM");
  assertEquals(await sidecar.process.exited(), 0);
  assert(performance.now() - startMs < 15_000, `${performance.now() - startMs} ms`);
  assertMatch(await sidecar.process.errors(), /stopped|stopping|drain/i);
});
