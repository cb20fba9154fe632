/** A sidecar that runs out of file descriptors: accepting rests, everything else goes on, and it ends by itself. */
import { assert, assertEquals } from "@test/assert";
import type { NetKind } from "../../lib/plane/messages.ts";
import { nativeHere } from "../support/plane.ts";
import { type Lab, pause, until } from "../support/process.ts";
import {
  adminGet,
  mesherCommand,
  metric,
  newFolder,
  type SidecarProcess,
  untilUp,
} from "../support/process_mesher.ts";
import { processStory, say } from "../support/process_story.ts";
import { descriptorsOf, processorMs } from "../support/process_tree.ts";
import { answer, head, rawClient, type RawPeer, RawUpstream } from "../support/raw.ts";

const limit = 256;
const crowd = 400;
/** So many are let in, and their calls need more descriptors than are left. A portable socket takes two. */
const callers = { native: 140, portable: 64 } as const;
const exhaustedMs = 1000;

/** Starts a sidecar that may have few files open. */
async function startPoor(
  lab: Lab,
  net: NetKind,
  services: Readonly<Record<string, number>>,
): Promise<SidecarProcess> {
  const file = `${lab.folder}/services.yaml`;
  const records = Object.entries(services).map(([name, port]) =>
    `- service: ${name}\n  instances: ["rest://127.0.0.1:${port}"]\n`
  );
  await Deno.writeTextFile(file, records.join(""));
  const limited = ["/bin/sh", "-c", `ulimit -n ${limit} && exec "$@"`, "sh", ...mesherCommand()];
  return await untilUp(lab.start("sidecar", limited, {
    env: {
      MESHER_NET: net,
      MESHER_REGISTRY: `file://${file}`,
      MESHER_STATE_DIR: newFolder(lab),
      MESHER_OUTBOUND: "127.0.0.1:0",
      MESHER_ADMIN: "127.0.0.1:0",
    },
  }));
}

async function statusOf(client: RawPeer, service: string): Promise<number> {
  client.send(head("GET / HTTP/1.1", `Host: ${service}`));
  return Number((await client.message()).head.slice(9, 12));
}

async function opened(count: number, port: number): Promise<RawPeer[]> {
  return await Promise.all(Array.from({ length: count }, () => rawClient(port)));
}

function clientsOpen(sidecar: SidecarProcess): Promise<number | undefined> {
  return metric(sidecar, "mesher_client_connections_open");
}

for (const net of ["native", "portable"] as const) {
  if (net === "native" && !nativeHere) continue;
  processStory(
    `descriptors, exhausted by clients accepting rests, calls go on, and it ends with the crowd [${net}]`,
    async (lab) => {
      await using first = await RawUpstream.listen();
      await using second = await RawUpstream.listen();
      for (const upstream of [first, second]) upstream.answer(() => answer("ok"));
      const sidecar = await startPoor(lab, net, { First: first.port, Second: second.port });
      const { pid } = sidecar.process;
      const established = await opened(5, sidecar.outbound);
      for (const client of established) assertEquals(await statusOf(client, "First"), 200);
      const before = descriptorsOf(pid);

      const waiting = await opened(crowd, sidecar.outbound);
      // The kernel has taken all of them; the sidecar has stopped taking them from it.
      let last = -1;
      const taken = await until(async () => {
        const now = await clientsOpen(sidecar);
        // A machine that stalls stands still, too: it is over once accepting was given up.
        const paused = (await metric(sidecar, "mesher_accept_pauses_total"))! > 0;
        const still = paused && now === last ? now : undefined;
        last = now!;
        await pause(100);
        return still;
      }, "the end of accepting");
      const held = descriptorsOf(pid);
      assert(taken < crowd, `all ${taken} clients were accepted with ${limit} descriptors`);
      assert(held > limit / 2 && held < limit, `${held} of ${limit} descriptors are in use`);
      const pauses = await metric(sidecar, "mesher_accept_pauses_total");
      assert(pauses! > 0, "accepting rested, and nobody counted it");

      const usedMs = processorMs(pid);
      const beganMs = performance.now();
      let calls = 0;
      while (performance.now() - beganMs < exhaustedMs) {
        for (const client of established) {
          // An endpoint that was never called before needs a descriptor of its own.
          assertEquals(await statusOf(client, calls % 2 === 0 ? "First" : "Second"), 200);
          calls++;
        }
        await pause(50);
      }
      const share = (processorMs(pid) - usedMs) / (performance.now() - beganMs);
      assert(share < 0.5, `${Math.round(share * 100)} % of a core while exhausted`);
      assertEquals((await adminGet(sidecar, "/healthz")).status, 200);

      // Whoever waits comes in as soon as others leave.
      const patient = statusOf(waiting.at(-1)!, "First");
      const freedMs = performance.now();
      for (const client of waiting.slice(0, -1)) client.close();
      assertEquals(await patient, 200);
      const probe = await rawClient(sidecar.outbound);
      assertEquals(await statusOf(probe, "Second"), 200);
      const againMs = performance.now() - freedMs;
      assert(againMs < 10_000, `${againMs} ms until a new call went through`);

      probe.close();
      waiting.at(-1)!.close();
      await until(
        async () => await clientsOpen(sidecar) === established.length ? true : undefined,
        "the end of all clients but the established ones",
      );
      const upstreams = await metric(sidecar, "mesher_upstream_connections_idle");
      await until(
        // The admin connection of this test comes and goes.
        () => descriptorsOf(pid) <= before + upstreams! + 2 ? true : undefined,
        () => `${descriptorsOf(pid)} descriptors to become ${before}`,
      );
      for (const client of established) assertEquals(await statusOf(client, "Second"), 200);
      for (const client of established) client.close();
      say(
        `${taken} of ${crowd} accepted, ${held} of ${limit} descriptors, ` +
          `${Math.round(share * 100)} % of a core, ${calls} calls, free again after ` +
          `${Math.round(againMs)} ms`,
      );
    },
  );

  processStory(
    `descriptors, used up by connections to an endpoint: 503 in words, and the endpoint stays in use [${net}]`,
    async (lab) => {
      await using upstream = await RawUpstream.listen();
      const arrived: RawPeer[] = [];
      upstream.serve(async (peer) => {
        for (;;) {
          await peer.head();
          arrived.push(peer);
        }
      });
      const sidecar = await startPoor(lab, net, { Svc: upstream.port });
      const clients = await opened(callers[net], sidecar.outbound);
      await until(
        async () => await clientsOpen(sidecar) === clients.length ? true : undefined,
        "the clients",
      );
      const refused: string[] = [];
      const turnedAway: RawPeer[] = [];
      const asked = clients.map(async (client) => {
        client.send(head("GET / HTTP/1.1", "Host: Svc"));
        const got = await client.message();
        if (got.head.startsWith("HTTP/1.1 503")) {
          refused.push(got.body);
          turnedAway.push(client);
        } else assertEquals(got.head.slice(0, 12), "HTTP/1.1 200");
      });
      // Nobody is answered until all have been sent on or refused.
      await until(
        () => arrived.length + refused.length === clients.length ? true : undefined,
        () => `the fate of ${clients.length}; ${arrived.length} sent, ${refused.length} refused`,
      );
      assert(refused.length > 0, "no request was refused");
      assert(arrived.length >= 20, `only ${arrived.length} requests went through`);
      for (const body of refused) assertEquals(JSON.parse(body).code, "concurrency_limit");
      // Whoever comes while a connection is about to become idle gets that one.
      const patient: Promise<number>[] = [];
      for (const client of turnedAway.slice(0, 3)) {
        const count = arrived.length;
        patient.push(statusOf(client, "Svc"));
        arrived.shift()!.send(answer("ok"));
        await until(
          () => arrived.length === count ? true : undefined,
          "the request on the connection that was given back",
        );
      }
      // Control has descriptors of its own.
      assertEquals((await adminGet(sidecar, "/healthz")).status, 200);
      for (const peer of arrived.splice(0)) peer.send(answer("ok"));
      await Promise.all(asked);
      assertEquals(await Promise.all(patient), [200, 200, 200]);
      assertEquals(await metric(sidecar, "mesher_endpoint_ejections_total"), 0);
      const later = statusOf(clients[0]!, "Svc");
      await until(() => arrived.length > 0 ? true : undefined, "the request");
      arrived[0]!.send(answer("ok"));
      assertEquals(await later, 200);
      say(`${refused.length} of ${clients.length} refused`);
      for (const client of clients) client.close();
    },
  );
}
