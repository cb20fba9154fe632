/** Ten thousand connections that come and go: a sidecar's memory and descriptors are what they were before. */
import { assert, assertEquals } from "@test/assert";
import type { NetKind } from "../../lib/plane/messages.ts";
import { v8Flags } from "../../scripts/v8_flags.ts";
import { nativeHere } from "../support/plane.ts";
import { type Lab, until } from "../support/process.ts";
import {
  adminGet,
  mesherCommand,
  metric,
  newFolder,
  type SidecarProcess,
  untilUp,
} from "../support/process_mesher.ts";
import { processStory, say } from "../support/process_story.ts";
import { descriptorsOf } from "../support/process_tree.ts";
import { answer, head, rawClient, type RawPeer, RawUpstream } from "../support/raw.ts";

const batch = 2000;
const batches = 5;
/** What the heaps may keep beyond what the first crowd has left, before the engine bothers to clear them up. */
const maxGrowthBytes = 64 * 2 ** 20;

async function startFor(lab: Lab, net: NetKind, port: number): Promise<SidecarProcess> {
  const file = `${lab.folder}/services.yaml`;
  await Deno.writeTextFile(file, `- service: Svc\n  instances: ["rest://127.0.0.1:${port}"]\n`);
  const [deno, run, ...rest] = mesherCommand();
  // With the flags of the compiled program: by default the young generations alone may take as much as is allowed here.
  return await untilUp(lab.start("sidecar", [deno!, run!, v8Flags, ...rest], {
    env: {
      MESHER_NET: net,
      MESHER_REGISTRY: `file://${file}`,
      MESHER_STATE_DIR: newFolder(lab),
      MESHER_OUTBOUND: "127.0.0.1:0",
      MESHER_ADMIN: "127.0.0.1:0",
      MESHER_TIMEOUTS_POOL_IDLE: "1s",
    },
  }));
}

/** One crowd: all are open at once, some ask, some stop within a head, and they leave in every way. */
async function crowd(sidecar: SidecarProcess): Promise<number> {
  const clients: RawPeer[] = [];
  while (clients.length < batch) {
    const some = Array.from({ length: 100 }, () => rawClient(sidecar.outbound));
    clients.push(...await Promise.all(some));
  }
  await until(
    async () =>
      await metric(sidecar, "mesher_client_connections_open") === batch ? true : undefined,
    `${batch} open clients`,
  );
  const peakBytes = sidecar.process.rssBytes;
  const asking = clients.filter((_, index) => index % 4 === 0);
  for (let from = 0; from < asking.length; from += 100) {
    await Promise.all(
      asking.slice(from, from + 100).map(async (client) => {
        client.send(head("GET / HTTP/1.1", "Host: Svc"));
        assertEquals((await client.message()).body, "ok");
      }),
    );
  }
  clients.forEach((client, index) => {
    if (index % 4 === 1) client.send("GET / HT");
    if (index % 4 === 2) client.reset();
    else client.close();
  });
  await until(
    async () => await metric(sidecar, "mesher_client_connections_open") === 0 ? true : undefined,
    "the end of all clients",
  );
  return peakBytes;
}

async function upstreamsGone(sidecar: SidecarProcess): Promise<void> {
  await until(
    async () => await metric(sidecar, "mesher_upstream_connections_idle") === 0 ? true : undefined,
    "the end of all pooled connections",
  );
}

for (const net of ["native", "portable"] as const) {
  if (net === "native" && !nativeHere) continue;
  processStory(
    `crowd, 10,000 connections opened and closed leave memory and descriptors as they were [${net}]`,
    async (lab) => {
      await using upstream = await RawUpstream.listen();
      upstream.answer(() => answer("ok"));
      const sidecar = await startFor(lab, net, upstream.port);
      const { process } = sidecar;
      // As many before make the process take what it keeps anyway; what is lost with each connection comes again.
      for (let round = 0; round < batches; round++) await crowd(sidecar);
      await upstreamsGone(sidecar);
      const before = { bytes: process.rssBytes, descriptors: descriptorsOf(process.pid) };
      let peakBytes = 0;
      for (let round = 0; round < batches; round++) {
        peakBytes = Math.max(peakBytes, await crowd(sidecar));
      }
      await upstreamsGone(sidecar);
      const { text } = await adminGet(sidecar, "/metrics");
      const mib = (bytes: number) => Math.round(bytes / 2 ** 20);
      const after = process.rssBytes;
      say(
        `RSS ${mib(before.bytes)} MiB before, ${mib(peakBytes)} with ${batch} open, ` +
          `${mib(after)} after; descriptors ${before.descriptors}, ${descriptorsOf(process.pid)}`,
      );
      assert(
        after - before.bytes < maxGrowthBytes,
        `grew by ${mib(after - before.bytes)} MiB over ${batches * batch} connections`,
      );
      // The admin connection of this test may come and go.
      await until(
        () => descriptorsOf(process.pid) <= before.descriptors + 1 ? true : undefined,
        () => `${descriptorsOf(process.pid)} descriptors to become ${before.descriptors}`,
      );
      for (const line of text.split("\n").filter((one) => one.startsWith("mesher_requests_open"))) {
        assert(line.endsWith(" 0"), line);
      }
    },
  );
}
