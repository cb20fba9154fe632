/** Peers that take nothing: what is on its way to them stays in the kernel, not in the sidecar, and costs no time. */
import { assert, assertEquals } from "@test/assert";
import { medianOf, timeOf } from "../support/measured.ts";
import { nativeHere } from "../support/plane.ts";
import { type Lab, pause, until } from "../support/process.ts";
import { callOnce, serveApp } from "../support/process_http.ts";
import { metric, type SidecarProcess, startSidecar } from "../support/process_mesher.ts";
import { processStory, say } from "../support/process_story.ts";
import { descriptorsOf, processorMs } from "../support/process_tree.ts";

const perKind = 10;
const pieceBytes = 64 * 1024;
/**
 * What is kept while everything stands. Portable sockets copy what they write, so that their heap holds garbage of
 * what has passed until then.
 */
const maxGrowthBytes = { native: 24 * 2 ** 20, portable: 128 * 2 ** 20 } as const;
/** Pipes that native sockets keep for the next large body, with two ends each. */
const keptPipes = { native: 2 * 8, portable: 0 } as const;
const endless = 2 ** 40;
const stuckMs = 1000;

/** One end of a connection that writes for ever, and how far it has come. */
class Flood {
  bytes = 0;
  readonly ended: Promise<void>;
  readonly #conn: Deno.Conn;
  #open = true;

  constructor(conn: Deno.Conn, piece: Uint8Array) {
    this.#conn = conn;
    this.ended = this.#run(piece);
  }

  async #run(piece: Uint8Array): Promise<void> {
    try {
      for (;;) this.bytes += await this.#conn.write(piece.subarray(this.bytes % piece.length));
    } catch {
      // The other side has left, or this one.
    }
    this.end();
  }

  end(): void {
    if (this.#open) this.#conn.close();
    this.#open = false;
  }
}

const plain = new Uint8Array(pieceBytes).fill(120);
const chunk = textBytes(`${pieceBytes.toString(16)}\r\n${"x".repeat(pieceBytes)}\r\n`);

function textBytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** A program that floods whoever asks for something, and takes nothing of what is posted. */
class Origin {
  readonly floods: Flood[] = [];
  /** Connections on which nothing more is read. */
  readonly stuck: Deno.Conn[] = [];
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });

  constructor(lab: Lab) {
    this.#run();
    lab.defer(() => {
      this.#listener.close();
      for (const conn of this.stuck) conn.close();
    });
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #run(): Promise<void> {
    try {
      for (;;) this.#serve(await this.#listener.accept());
    } catch {
      // Closed.
    }
  }

  async #serve(conn: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(4096);
    const count = await conn.read(buffer);
    const request = String.fromCharCode(...buffer.subarray(0, count ?? 0));
    const kind = /^\w+ \/?(\w*)/.exec(request)?.[1];
    if (kind === "up") {
      this.stuck.push(conn);
      return;
    }
    if (kind === "tunnel") this.floods.push(new Flood(conn, plain));
    else if (kind === "chunked") {
      await conn.write(textBytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
      this.floods.push(new Flood(conn, chunk));
    } else {
      await conn.write(textBytes(`HTTP/1.1 200 OK\r\nContent-Length: ${endless}\r\n\r\n`));
      this.floods.push(new Flood(conn, plain));
    }
  }
}

const heads = {
  length: "GET /length HTTP/1.1\r\nHost: Origin\r\n\r\n",
  chunked: "GET /chunked HTTP/1.1\r\nHost: Origin\r\n\r\n",
  up: `POST /up HTTP/1.1\r\nHost: Origin\r\nContent-Length: ${endless}\r\n\r\n`,
  tunnel: "",
} as const;

async function begin(
  sidecar: SidecarProcess,
  origin: Origin,
  kind: keyof typeof heads,
): Promise<Deno.Conn> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: sidecar.outbound });
  if (kind !== "tunnel") {
    await conn.write(textBytes(heads[kind]));
    return conn;
  }
  const to = `127.0.0.1:${origin.port}`;
  await conn.write(textBytes(`CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\n\r\n`));
  const buffer = new Uint8Array(1024);
  const count = await conn.read(buffer);
  assertEquals(String.fromCharCode(...buffer.subarray(9, Math.min(12, count ?? 0))), "200");
  // What goes through is no HTTP.
  await conn.write(textBytes("\0 tunnel"));
  return conn;
}

for (const net of ["native", "portable"] as const) {
  if (net === "native" && !nativeHere) continue;
  processStory(
    `back-pressure, forty peers that never read cost neither memory nor time nor other calls [${net}]`,
    async (lab) => {
      const origin = new Origin(lab);
      const small = serveApp(lab, () => new Response("ok"));
      const file = `${lab.folder}/services.yaml`;
      await Deno.writeTextFile(
        file,
        `- service: Origin\n  instances: ["rest://127.0.0.1:${origin.port}"]\n` +
          `- service: Small\n  instances: ["rest://127.0.0.1:${small}"]\n`,
      );
      const sidecar = await startSidecar(lab, {
        env: { NET: net, REGISTRY: `file://${file}`, TIMEOUTS_POOL_IDLE: "1s" },
      });
      const { process } = sidecar;
      const callVia = (port: number) =>
        timeOf(async () => assertEquals((await callOnce(port, "http://Small/")).body, "ok"));
      const call = () => callVia(sidecar.outbound);
      for (let index = 0; index < 200; index++) await call();
      const before = { bytes: process.rssBytes, descriptors: descriptorsOf(process.pid) };

      const clients: Deno.Conn[] = [];
      const uploads: Flood[] = [];
      for (const kind of ["length", "chunked", "up", "tunnel"] as const) {
        for (let index = 0; index < perKind; index++) {
          const conn = await begin(sidecar, origin, kind);
          if (kind === "up") uploads.push(new Flood(conn, plain));
          else clients.push(conn);
        }
      }
      const moved = () => [...origin.floods, ...uploads].reduce((sum, { bytes }) => sum + bytes, 0);
      // Everything is full as soon as nothing more moves, although the sidecar does: it answers calls meanwhile.
      let last = -1;
      let looks = 0;
      await until(
        async () => {
          const now = moved();
          const all = origin.floods.length === 3 * perKind && origin.stuck.length === perKind;
          looks = all && now === last ? looks + 1 : 0;
          last = now;
          await call();
          await pause(100);
          return looks === 4 ? true : undefined;
        },
        () => `a standstill; ${moved()} bytes went in`,
      );

      const usedMs = processorMs(process.pid);
      const stoodMs = await timeOf(() => pause(stuckMs));
      const share = (processorMs(process.pid) - usedMs) / stoodMs;
      // The kernel may widen a buffer now and then; what grows without end would have grown by now.
      assert(moved() < 1.1 * last, `${moved()} bytes went in after ${last}`);
      const tookMs: number[] = [];
      const directMs: number[] = [];
      for (let index = 0; index < 100; index++) {
        tookMs.push(await call());
        directMs.push(await callVia(small));
      }
      const [median, direct] = [medianOf(tookMs), medianOf(directMs)];
      const grown = process.rssBytes - before.bytes;
      say(
        `${Math.round(last / 2 ** 20)} MiB stand, RSS grew by ${
          (grown / 2 ** 20).toFixed(1)
        } MiB, ${Math.round(share * 100)} % of a core, other calls: median ${
          median.toFixed(1)
        } ms, slowest ${Math.max(...tookMs).toFixed(1)} ms, past it ${direct.toFixed(1)} ms`,
      );
      assert(grown < maxGrowthBytes[net], `RSS grew by ${grown} bytes`);
      assert(share < 0.1, `${Math.round(share * 100)} % of a core for connections that stand`);
      assert(median < 50 + 10 * direct, `other calls took ${median} ms, past it ${direct} ms`);

      for (const conn of clients) conn.close();
      for (const conn of origin.stuck.splice(0)) conn.close();
      // Whoever sends on behind an answer is read for some seconds, so that the answer arrives, and cut then: one is
      // left to that.
      for (const upload of uploads.slice(net === "native" ? 1 : 0)) upload.end();
      await Promise.all([...origin.floods, ...uploads].map(({ ended }) => ended));
      for (const name of ["mesher_client_connections_open", "mesher_tunnels_open"]) {
        await until(
          async () => await metric(sidecar, name) === 0 ? true : undefined,
          `${name} to become 0`,
        );
      }
      // The admin connection of this test may come and go, and the pool may hold one to Small.
      const most = before.descriptors + keptPipes[net] + 1;
      await until(
        () => descriptorsOf(process.pid) <= most ? true : undefined,
        () => `${descriptorsOf(process.pid)} descriptors to become ${before.descriptors}`,
      );
      await call();
    },
  );
}
