/** Large bodies: 64 MiB down and up arrive as they were sent, with bounded memory, spliced where sockets can. */
import { assert, assertEquals } from "@test/assert";
import { ask } from "../support/ask.ts";
import { onBothNets, startPlane } from "../support/plane.ts";
import { answer, head, RawUpstream, within } from "../support/raw.ts";

const total = 64 * 2 ** 20;
const pieceBytes = 256 * 1024;
/** What the process may grow by while a body passes, with both ends of the test in it and their garbage. */
const maxGrowthBytes = 56 * 2 ** 20;
const bodyMs = 30_000;

const noise = (() => {
  const words = new Uint32Array(pieceBytes / 4);
  let state = 0x2545f491;
  for (let index = 0; index < words.length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  return new Uint8Array(words.buffer);
})();

/** The pieces of a body, each page of which says where it belongs. The bytes are used again for the next piece. */
function* pieces(): Generator<Uint8Array<ArrayBuffer>> {
  const piece = noise.slice();
  const view = new DataView(piece.buffer);
  for (let sent = 0; sent < total; sent += pieceBytes) {
    for (let page = 0; page < pieceBytes; page += 4096) view.setUint32(page, sent + page);
    yield piece;
  }
}

/** A checksum that sees every byte and its place. Source: RFC 1950 section 8.2. */
class Checksum {
  bytes = 0;
  #a = 1;
  #b = 0;

  add(data: Uint8Array): void {
    for (let from = 0; from < data.length; from += 4096) {
      const to = Math.min(data.length, from + 4096);
      for (let index = from; index < to; index++) {
        this.#a += data[index]!;
        this.#b += this.#a;
      }
      this.#a %= 65521;
      this.#b %= 65521;
    }
    this.bytes += data.length;
  }

  get value(): string {
    return `${this.bytes}:${this.#a}:${this.#b}`;
  }
}

const expected = (() => {
  const sum = new Checksum();
  for (const piece of pieces()) sum.add(piece);
  return sum.value;
})();

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

async function write(conn: Deno.Conn, data: Uint8Array | string): Promise<void> {
  const bytes = typeof data === "string" ? bytesOf(data) : data;
  for (let sent = 0; sent < bytes.length;) sent += await conn.write(bytes.subarray(sent));
}

async function writeBody(conn: Deno.Conn, framing: Framing): Promise<void> {
  for (const piece of pieces()) {
    if (framing === "chunked") await write(conn, `${piece.length.toString(16)}\r\n`);
    await write(conn, piece);
    if (framing === "chunked") await write(conn, "\r\n");
  }
  if (framing === "chunked") await write(conn, "0\r\n\r\n");
}

/** Reads a message with its body, chunked or of the length that is expected. */
async function readBody(conn: Deno.Conn): Promise<{ readonly head: string; readonly sum: string }> {
  const buffer = new Uint8Array(pieceBytes);
  let text = "";
  while (!text.includes("\r\n\r\n")) {
    const count = await conn.read(buffer.subarray(0, 1024));
    assert(count !== null, `the end came after ${JSON.stringify(text)}`);
    text += String.fromCharCode(...buffer.subarray(0, count));
  }
  const headEnd = text.indexOf("\r\n\r\n") + 4;
  const headText = text.slice(0, headEnd);
  const sum = new Checksum();
  const chunks = headText.includes("chunked") ? new Dechunker(sum) : undefined;
  (chunks ?? sum).add(bytesOf(text.slice(headEnd)));
  while (chunks ? !chunks.done : sum.bytes < total) {
    const count = await conn.read(buffer);
    assert(count !== null, `the end came after ${sum.bytes} bytes`);
    (chunks ?? sum).add(buffer.subarray(0, count));
  }
  return { head: headText, sum: sum.value };
}

/** Takes chunk framing off; it knows no trailers. */
class Dechunker {
  done = false;
  #line = "";
  #left = -1;
  readonly #sum: Checksum;

  constructor(sum: Checksum) {
    this.#sum = sum;
  }

  add(data: Uint8Array): void {
    for (let at = 0; at < data.length;) {
      if (this.#left > 0) {
        const count = Math.min(this.#left, data.length - at);
        this.#sum.add(data.subarray(at, at + count));
        this.#left -= count;
        at += count;
        continue;
      }
      this.#line += String.fromCharCode(data[at++]!);
      if (!this.#line.endsWith("\r\n")) continue;
      const line = this.#line.trimEnd();
      this.#line = "";
      // The line behind a chunk's data is empty.
      this.#left = line === "" ? -1 : parseInt(line, 16);
      if (this.#left === 0) this.done = true;
    }
  }
}

/** Runs something and says by how much the process grew meanwhile. */
async function growth(run: () => Promise<void>): Promise<number> {
  const before = Deno.memoryUsage().rss;
  let highest = before;
  const sampler = setInterval(() => {
    highest = Math.max(highest, Deno.memoryUsage().rss);
  }, 20);
  try {
    await within(run(), "the body to pass", bodyMs);
  } finally {
    clearInterval(sampler);
  }
  return highest - before;
}

type Framing = "length" | "chunked" | "close";

const framingField: Record<Framing, readonly string[]> = {
  length: [`Content-Length: ${total}`],
  chunked: ["Transfer-Encoding: chunked"],
  close: [],
};

for (const framing of ["length", "chunked", "close"] as const) {
  onBothNets(`large bodies, 64 MiB down by ${framing} arrive whole`, async (net) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    await using plane = await startPlane({ net, services: { Svc: [listener.addr.port] } });
    using client = await Deno.connect({ hostname: "127.0.0.1", port: plane.port() });
    const grown = await growth(async () => {
      await write(client, head("GET / HTTP/1.1", "Host: Svc"));
      using upstream = await listener.accept();
      await upstream.read(new Uint8Array(1000));
      const sending = (async () => {
        await write(upstream, head("HTTP/1.1 200 OK", ...framingField[framing]));
        await writeBody(upstream, framing);
        if (framing === "close") await upstream.closeWrite();
      })();
      const [{ sum }] = await Promise.all([readBody(client), sending]);
      assertEquals(sum, expected);
    });
    assert(grown < maxGrowthBytes, `the process grew by ${Math.round(grown / 2 ** 20)} MiB`);
    const spliced = plane.gauge("splicedBytes");
    if (net === "native" && framing === "length") assert(spliced > total / 2, `only ${spliced}`);
    else assertEquals(spliced, 0);
    await plane.quiet({ clients: 1 });
  });
}

for (const framing of ["length", "chunked"] as const) {
  onBothNets(`large bodies, 64 MiB up by ${framing} arrive whole`, async (net) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    await using plane = await startPlane({ net, services: { Svc: [listener.addr.port] } });
    using client = await Deno.connect({ hostname: "127.0.0.1", port: plane.port() });
    const grown = await growth(async () => {
      const sending = (async () => {
        await write(client, head("POST / HTTP/1.1", "Host: Svc", ...framingField[framing]));
        await writeBody(client, framing);
      })();
      using upstream = await listener.accept();
      const [{ sum }] = await Promise.all([readBody(upstream), sending]);
      assertEquals(sum, expected);
      await write(upstream, answer("got it"));
      const buffer = new Uint8Array(1000);
      const count = await client.read(buffer);
      assertEquals(String.fromCharCode(...buffer.subarray(0, count!)), answer("got it"));
    });
    assert(grown < maxGrowthBytes, `the process grew by ${Math.round(grown / 2 ** 20)} MiB`);
    const spliced = plane.gauge("splicedBytes");
    if (net === "native" && framing === "length") assert(spliced > total / 2, `only ${spliced}`);
    else assertEquals(spliced, 0);
    await plane.quiet({ clients: 1 });
  });
}

onBothNets("large bodies, a tunnel carries 64 MiB both ways at once", async (net) => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using plane = await startPlane({ net });
  using client = await Deno.connect({ hostname: "127.0.0.1", port: plane.port() });
  const grown = await growth(async () => {
    await write(client, head(`CONNECT 127.0.0.1:${listener.addr.port} HTTP/1.1`, "Host: x"));
    using upstream = await listener.accept();
    await client.read(new Uint8Array(1000));
    const half = async (from: Deno.Conn, to: Deno.Conn) => {
      const sending = write(from, head("X", ...framingField.length))
        .then(() => writeBody(from, "length"));
      const [{ sum }] = await Promise.all([readBody(to), sending]);
      assertEquals(sum, expected);
    };
    await Promise.all([half(client, upstream), half(upstream, client)]);
  });
  // Two bodies pass at once.
  assert(grown < 2 * maxGrowthBytes, `the process grew by ${Math.round(grown / 2 ** 20)} MiB`);
  client.close();
  await plane.quiet();
});

for (const framing of ["length", "chunked", "close"] as const) {
  onBothNets(
    `large bodies, one that streams by ${framing} does not hold up others`,
    async (net) => {
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      await using small = await RawUpstream.listen();
      small.answer(() => answer("ok"));
      await using plane = await startPlane({
        net,
        services: { Large: [listener.addr.port], Small: [small.port] },
      });
      using client = await Deno.connect({ hostname: "127.0.0.1", port: plane.port() });
      await write(client, head("GET / HTTP/1.1", "Host: Large"));
      using upstream = await listener.accept();
      await upstream.read(new Uint8Array(1000));
      let streaming = true;
      const sending = (async () => {
        await write(upstream, head("HTTP/1.1 200 OK", ...framingField[framing]));
        await writeBody(upstream, framing);
        if (framing === "close") await upstream.closeWrite();
      })();
      const reading = readBody(client).finally(() => streaming = false);
      let served = 0;
      while (streaming) {
        assertEquals((await ask(plane, "Small")).body, "ok");
        served++;
      }
      await Promise.all([sending, reading]);
      assert(served >= 2, `only ${served} small requests while the body passed`);
      await plane.quiet({ clients: 1 });
    },
  );
}
