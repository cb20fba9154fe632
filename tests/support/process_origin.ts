/**
 * A plain HTTP program with large bodies made on the fly, and a generator of the same bytes for uploads.
 *
 * `process_origin.ts serve`: GET /hello, GET /bytes?n=N, POST or PUT /digest, anything else tells what it got.
 * `process_origin.ts generate N`: N bytes on standard output, their digest on standard error.
 */
import { createHash } from "node:crypto";

const blockBytes = 256 * 1024;

/** Pseudo-random blocks that all differ, so that a lost, doubled or exchanged piece changes the digest. */
function* blocks(total: number): Generator<Uint8Array<ArrayBuffer>> {
  const pattern = new Uint8Array(blockBytes);
  let state = 1;
  for (let index = 0; index < blockBytes; index++) {
    state = (state * 1664525 + 1013904223) >>> 0;
    pattern[index] = state >>> 24;
  }
  for (let done = 0, number = 0; done < total; done += blockBytes, number++) {
    const block = pattern.slice(0, Math.min(blockBytes, total - done));
    if (block.length >= 4) new DataView(block.buffer).setUint32(0, number);
    yield block;
  }
}

export function digestOf(total: number): string {
  const hash = createHash("sha256");
  for (const block of blocks(total)) hash.update(block);
  return hash.digest("hex");
}

async function handle(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/hello") return new Response("hello");
  if (pathname === "/bytes") {
    const total = Number(searchParams.get("n"));
    const source = blocks(total);
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        const next = source.next();
        if (next.done) controller.close();
        else controller.enqueue(next.value);
      },
    });
    // Without a length the body goes out in chunks.
    const length = searchParams.has("chunked") ? {} : { "content-length": String(total) };
    return new Response(stream, { headers: { "content-type": "application/x-test", ...length } });
  }
  if (pathname === "/digest") {
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const part of request.body ?? []) {
      hash.update(part);
      bytes += part.length;
    }
    return Response.json({ method: request.method, bytes, sha256: hash.digest("hex") });
  }
  return Response.json({
    method: request.method,
    path: pathname,
    body: await request.text(),
    type: request.headers.get("content-type"),
  });
}

async function writeAll(stream: WritableStream<Uint8Array>, total: number): Promise<void> {
  const writer = stream.getWriter();
  for (const block of blocks(total)) await writer.write(block);
  await writer.close();
}

if (import.meta.main) {
  const [mode, count] = Deno.args;
  if (mode === "serve") {
    Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      onListen: ({ port }) => console.error(`origin on ${port}`),
    }, handle);
  } else {
    await writeAll(Deno.stdout.writable, Number(count));
    console.error(digestOf(Number(count)));
  }
}
