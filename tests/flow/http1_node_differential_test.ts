/** Requests that both our parser and node:http take mean the same to both: nothing can be smuggled between them. */
import { assert, assertEquals } from "@test/assert";
import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { RequestHead } from "../../lib/data/http1/request_head.ts";
import { seeded } from "../support/seeded.ts";
import { mutate, requestHeads } from "../support/http1_mutate.ts";
import { bytesOf, fieldList, textOf, verdictOf } from "../unit/data/http1/support.ts";

/** One request as a server sees it. */
interface Seen {
  readonly method: string;
  readonly target: string;
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
}

const follower = "GET /after HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/** What our parser makes of a head; undefined when it refuses it or node would not treat it as a request. */
function ours(
  head: RequestHead,
  input: string,
): (Seen & { keepAlive: boolean; sent: string }) | undefined {
  const bytes = bytesOf(input);
  const verdict = verdictOf(() => head.parse(bytes, 0, { to: bytes.length, maxFields: 100 }));
  if (verdict.kind !== "head" || head.isConnect) return undefined;
  const fields = fieldList(bytes, head.fields);
  // Node hands upgrades and unusual expectations to other listeners.
  if (fields.some(([name]) => /^(?:upgrade|expect)$/i.test(name))) return undefined;
  if (head.bodyLength > 1000) return undefined;
  const chunked = head.bodyLength < 0;
  const body = chunked
    ? "GET /in HTTP/1.1"
    : "0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n".repeat(40).slice(0, head.bodyLength);
  const framed = chunked ? `${body.length.toString(16)};x=y\r\n${body}\r\n0\r\nt: u\r\n\r\n` : body;
  return {
    method: textOf(bytes, head.methodFrom, head.methodTo),
    target: textOf(bytes, head.targetFrom, head.targetTo),
    fields,
    body,
    keepAlive: head.keepAlive,
    sent: input.slice(0, verdict.end) + framed + follower,
  };
}

function seenBy(request: IncomingMessage, body: Buffer): Seen {
  const fields: (readonly [string, string])[] = [];
  for (let index = 0; index + 1 < request.rawHeaders.length; index += 2) {
    fields.push([request.rawHeaders[index]!, request.rawHeaders[index + 1]!]);
  }
  return {
    method: request.method ?? "",
    target: request.url ?? "",
    fields,
    body: body.toString("latin1"),
  };
}

Deno.test("node:http and our parser agree on method, target, fields and body of what both take", async () => {
  const bySocket = new Map<number, Seen[]>();
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("error", () => {});
    request.on("end", () => {
      bySocket.get(request.socket.remotePort!)?.push(seenBy(request, Buffer.concat(parts)));
      response.end("ok");
    });
  });
  server.on("clientError", (_error: Error, socket: Socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };

  /** Sends a message and resolves with what the server saw once it has closed the connection. */
  function send(message: string): Promise<readonly Seen[]> {
    return new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1");
      const seen: Seen[] = [];
      let localPort = 0;
      // Node waits for more of what it takes for the beginning of a message. The time is counted in steps, so that a
      // stall of this process, in which nothing of it could be read, is one of them and not all.
      let steps = 0;
      const giveUp = setInterval(() => {
        if (++steps === 25) socket.destroy();
      }, 20);
      socket.on("connect", () => {
        localPort = socket.localPort!;
        bySocket.set(localPort, seen);
        socket.write(Buffer.from(message, "latin1"));
      });
      socket.on("data", () => {});
      socket.on("error", () => {});
      socket.on("close", () => {
        clearInterval(giveUp);
        bySocket.delete(localPort);
        resolve(seen);
      });
    });
  }

  const random = seeded(5);
  const head = new RequestHead();
  let agreed = 0, refused = 0;
  const checkOne = async () => {
    const input = mutate(random, random.of(requestHeads), requestHeads);
    const expected = ours(head, input);
    if (expected === undefined) return;
    const { keepAlive, sent, ...first } = expected;
    const [seen, after] = await send(sent);
    if (seen === undefined) {
      refused++;
      return;
    }
    assertEquals(seen, first, JSON.stringify(sent));
    if (keepAlive && after !== undefined) {
      assertEquals(after.target, "/after", JSON.stringify(sent));
    }
    if (after === undefined) assert.ok(!keepAlive, `no request after ${JSON.stringify(sent)}`);
    agreed++;
  };
  try {
    for (let round = 0; round < 1000; round++) {
      await Promise.all(Array.from({ length: 20 }, checkOne));
    }
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
  assert.ok(agreed > 3000, `${agreed} taken by both, ${refused} refused by node`);
});
