/** Checks of the own application against real listeners: what passes, what fails, and the reason given. */
import { assert, assertEquals } from "@test/assert";
import type { CheckOutcome, CheckSpec } from "../../lib/core/check.ts";
import { runAppCheck } from "../../lib/platform/app_check.ts";

/** A listener that reads one request head and then hands the connection over; `requests` keeps the heads. */
function serveRaw(answer: (connection: Deno.TcpConn) => Promise<void>) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const requests: string[] = [];
  const open = new Set<Promise<void>>();
  async function one(connection: Deno.TcpConn): Promise<void> {
    try {
      const buffer = new Uint8Array(4096);
      let head = "";
      while (!head.includes("\r\n\r\n")) {
        const count = await connection.read(buffer);
        if (count === null) return;
        head += new TextDecoder().decode(buffer.subarray(0, count));
      }
      requests.push(head);
      await answer(connection);
    } catch {
      // The check may close before everything is written.
    } finally {
      try {
        connection.close();
      } catch {
        // Closed by the answer itself.
      }
    }
  }
  const accepting = (async () => {
    for await (const connection of listener) {
      const done: Promise<void> = one(connection).finally(() => open.delete(done));
      open.add(done);
    }
  })();
  return {
    port: listener.addr.port,
    requests,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await Promise.all(open);
    },
  };
}

async function write(connection: Deno.TcpConn, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

/** Waits until the other side has closed. */
async function readToEnd(connection: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(1024);
  while (await connection.read(buffer) !== null);
}

type HttpCheck = Extract<CheckSpec, { type: "http" }>;

const answers: readonly {
  readonly title: string;
  readonly text: string;
  readonly check?: Partial<HttpCheck>;
  readonly outcome: CheckOutcome;
}[] = [
  {
    title: "a status in the range passes",
    text: "HTTP/1.1 204 No Content\r\n\r\n",
    outcome: { ok: true, detail: "status 204" },
  },
  {
    title: "a status outside the range fails with both numbers",
    text: "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
    outcome: { ok: false, detail: "status 500, expected 200 to 299" },
  },
  {
    title: "a redirect is not followed",
    text: "HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n",
    outcome: { ok: false, detail: "status 302, expected 200 to 299" },
  },
  {
    title: "a single expected status is named alone",
    text: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    check: { statusMin: 201, statusMax: 201 },
    outcome: { ok: false, detail: "status 200, expected 201" },
  },
  {
    title: "a body of known length that matches passes",
    text: 'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"status":"up"}',
    check: { body: '"status":\\s*"up"' },
    outcome: { ok: true, detail: "status 200, body matches" },
  },
  {
    title: "a chunked body is put together before it is matched",
    text:
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nall\r\n5;x=y\r\n good\r\n0\r\n\r\n",
    check: { body: "^all good$" },
    outcome: { ok: true, detail: "status 200, body matches" },
  },
  {
    title: "a body that ends with the connection is matched",
    text: "HTTP/1.0 200 OK\r\n\r\nall good",
    check: { body: "^all good$" },
    outcome: { ok: true, detail: "status 200, body matches" },
  },
  {
    title: "a body that does not match fails and shows the pattern",
    text: "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndown",
    check: { body: "^up$" },
    outcome: { ok: false, detail: "status 200, but the body does not match /^up$/" },
  },
  {
    title: "a pattern that is no regular expression fails with that reason",
    text: "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndown",
    check: { body: "(" },
    outcome: { ok: false, detail: "/(/ is not a regular expression" },
  },
  {
    title: "an interim answer is skipped",
    text:
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    outcome: { ok: true, detail: "status 200" },
  },
  {
    title: "a body cut short does not spoil a good status",
    text: "HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nshort",
    outcome: { ok: true, detail: "status 200" },
  },
  {
    title: "something that is not HTTP fails",
    text: "220 mail.example.com ESMTP\r\n",
    outcome: { ok: false, detail: "the answer is not HTTP" },
  },
  {
    title: "a connection closed without a word fails",
    text: "",
    outcome: { ok: false, detail: "the connection was closed before an answer" },
  },
];

for (const { title, text, check, outcome } of answers) {
  Deno.test(`app check over http, ${title}`, async () => {
    await using server = serveRaw((connection) => write(connection, text));
    const result = await runAppCheck({
      type: "http",
      port: server.port,
      path: "/healthz?full=1",
      statusMin: 200,
      statusMax: 299,
      ...check,
    }, 5_000);
    assertEquals(result, outcome);
    assertEquals(
      server.requests[0],
      `GET /healthz?full=1 HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n` +
        "User-Agent: mesher-check\r\nAccept: */*\r\nConnection: close\r\n\r\n",
    );
  });
}

function httpCheck(port: number, body?: string): CheckSpec {
  const check = { type: "http", port, path: "/", statusMin: 200, statusMax: 200 } as const;
  return body === undefined ? check : { ...check, body };
}

Deno.test("app check over http, an answer kept open ends with the promised length", async () => {
  await using server = serveRaw(async (connection) => {
    await write(connection, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    await readToEnd(connection);
  });
  assertEquals(await runAppCheck(httpCheck(server.port, "^ok$"), 60_000), {
    ok: true,
    detail: "status 200, body matches",
  });
});

Deno.test("app check over http, of an endless body no more than 64 KiB is read", async () => {
  let written = 0;
  await using server = serveRaw(async (connection) => {
    await write(connection, "HTTP/1.1 200 OK\r\n\r\n");
    const block = new Uint8Array(64 * 1024).fill(97);
    for (;;) written += await connection.write(block);
  });
  const result = await runAppCheck(httpCheck(server.port, "needle"), 60_000);
  assertEquals(result, { ok: false, detail: "status 200, but the body does not match /needle/" });
  // What the sockets' own buffers hold comes on top; an unbounded reader would go on for a minute.
  assert(written < 64 * 1024 * 1024, `${written} bytes`);
});

Deno.test("app check over http, an endless head fails", async () => {
  await using server = serveRaw(async (connection) => {
    await write(connection, "HTTP/1.1 200 OK\r\n");
    const block = `X-Filler: ${"a".repeat(8_000)}\r\n`;
    for (;;) await write(connection, block);
  });
  assertEquals(await runAppCheck(httpCheck(server.port), 60_000), {
    ok: false,
    detail: "the head of the answer is too long",
  });
});

Deno.test("app check over http, silence fails when the time is up", async () => {
  await using server = serveRaw(readToEnd);
  assertEquals(await runAppCheck(httpCheck(server.port), 50), {
    ok: false,
    detail: "no answer within 50ms",
  });
});

Deno.test("app check over tcp, a listener passes", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const check: CheckSpec = { type: "tcp", port: listener.addr.port };
  assertEquals(await runAppCheck(check, 5_000), { ok: true, detail: "connected" });
});

Deno.test("app check over tcp, a closed port fails and names the address", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  assertEquals(await runAppCheck({ type: "tcp", host: "127.0.0.1", port }, 5_000), {
    ok: false,
    detail: `connection refused: nothing listens on 127.0.0.1:${port}`,
  });
});

Deno.test("app check over tcp, a host that cannot be resolved fails with the name", async () => {
  const { ok, detail } = await runAppCheck(
    { type: "tcp", host: "no-such-host.invalid", port: 80 },
    5_000,
  );
  assertEquals(ok, false);
  assert(detail.includes("no-such-host.invalid:80"), detail);
});
