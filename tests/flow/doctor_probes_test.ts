/** What the doctor and the commands reach out with: keep-alive, folders, ports, one request past every proxy. */
import { assert, assertEquals, assertMatch, rejection } from "@test/assert";
import { askHttp, openHttp } from "../../lib/platform/ask_http.ts";
import { type KeepAliveFound, probeKeepAlive } from "../../lib/platform/keep_alive_probe.ts";
import { tryToListen, tryToWrite } from "../../lib/platform/tryouts.ts";
import { deadPort } from "../support/ask.ts";
import { answer, patienceMs, RawUpstream } from "../support/raw.ts";

/** A program that answers one request on one connection and then does something with it. */
async function probe(
  text: string,
  then: (peer: { close(): void }) => void,
  holdMs = patienceMs,
): Promise<KeepAliveFound> {
  const upstream = await RawUpstream.listen();
  try {
    const found = probeKeepAlive(
      { host: "127.0.0.1", port: upstream.port, path: "/health" },
      holdMs,
    );
    const peer = await upstream.accept();
    assertMatch(
      await peer.head(),
      /^GET \/health HTTP\/1\.1\r\n(?:.*\r\n)*Connection: keep-alive\r\n/,
    );
    peer.send(text);
    then(peer);
    const result = await found;
    peer.close();
    return result;
  } finally {
    await upstream.close();
  }
}

Deno.test("keep-alive probe, a field that says so is believed at once", async () => {
  const found = await probe(answer("ok", "200 OK", "Keep-Alive: timeout=5, max=100"), () => {});
  assertEquals(found, { kind: "said", idleMs: 5000 });
});

Deno.test("keep-alive probe, a close after each answer is told apart from one after a while", async () => {
  assertEquals(await probe(answer("ok", "200 OK", "Connection: close"), (peer) => peer.close()), {
    kind: "never",
  });
  // These two are told apart by time alone, which a stall at the wrong moment takes or adds.
  const seen = async (afterMs: number, fits: (found: KeepAliveFound) => boolean) => {
    const all: KeepAliveFound[] = [];
    while (all.length < 5) {
      const close = (peer: { close(): void }) =>
        afterMs === 0 ? peer.close() : setTimeout(() => peer.close(), afterMs);
      all.push(await probe(answer("ok"), close));
      if (fits(all.at(-1)!)) return;
    }
    assert(false, `a close after ${afterMs} ms is seen as ${JSON.stringify(all)}`);
  };
  await seen(0, ({ kind }) => kind === "never");
  await seen(120, (found) => found.kind === "closed" && found.idleMs >= 90);
});

Deno.test("keep-alive probe, a connection that stays is let go after the time", async () => {
  assertEquals(await probe(answer("ok"), () => {}, 100), { kind: "kept", idleMs: 100 });
});

Deno.test("keep-alive probe, nobody there and no HTTP are failures with a reason", async () => {
  const nobody = await probeKeepAlive({ host: "127.0.0.1", port: deadPort(), path: "/" }, 100);
  assertMatch(nobody.kind === "failed" ? nobody.why : "", /refused/i);
  const garbled = await probe("hello", (peer) => peer.close());
  assertEquals(garbled, { kind: "failed", why: "the answer is not HTTP" });
});

Deno.test("tryouts, a folder is written to without a trace, and a reason is given where that fails", async () => {
  const folder = await Deno.makeTempDir();
  try {
    assertEquals(await tryToWrite(`${folder}/new`), undefined);
    assertEquals([...Deno.readDirSync(`${folder}/new`)], []);
    await Deno.writeTextFile(`${folder}/file`, "");
    assert(await tryToWrite(`${folder}/file/below`) !== undefined);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("tryouts, a port that is taken is told from a free one, port 0 is free always", () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = { host: "127.0.0.1", port: listener.addr.port };
  assertEquals(tryToListen(address), "another program listens there");
  listener.close();
  assertEquals(tryToListen(address), undefined);
  assertEquals(tryToListen({ ...address, port: 0 }), undefined);
  assertMatch(tryToListen({ host: "192.0.2.1", port: 1 }) ?? "", /./);
});

/** Answers one request with a text and closes. Shape: what the asker got, and what it had sent. */
async function exchange<T>(
  text: string,
  ask: (address: { host: string; port: number }) => Promise<T>,
): Promise<{ readonly got: T; readonly sent: string }> {
  const upstream = await RawUpstream.listen();
  try {
    const asking = ask({ host: "127.0.0.1", port: upstream.port });
    asking.catch(() => {});
    const peer = await upstream.accept();
    const sent = await peer.head();
    peer.send(text);
    peer.close();
    return { got: await asking, sent };
  } finally {
    await upstream.close();
  }
}

const patience = () => AbortSignal.timeout(patienceMs);

Deno.test("one request, body and fields go out, the answer comes back whole", async () => {
  const { got, sent } = await exchange(
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhallo",
    (address) =>
      askHttp(address, {
        path: "/x",
        method: "POST",
        body: '{"ü":1}',
        fields: { Authorization: "Bearer t" },
        signal: patience(),
      }),
  );
  assertEquals(got, { status: 200, body: "hallo" });
  assertMatch(sent, /^POST \/x HTTP\/1\.0\r\nHost: localhost\r\nAuthorization: Bearer t\r\n/);
  assertMatch(sent, /Content-Length: 8\r\n/);
});

Deno.test("one request, an answer that is cut or no HTTP is an error", async () => {
  const ask = (address: { host: string; port: number }) =>
    askHttp(address, { path: "/", signal: patience() });
  const cut = await rejection(exchange("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhallo", ask));
  assertEquals((cut as Error).message, "the answer was cut");
  const garbled = await rejection(exchange("nonsense", ask));
  assertEquals((garbled as Error).message, "the answer is not HTTP");
});

Deno.test("one request, a signal ends the waiting for a head, and the reading of a body", async () => {
  const upstream = await RawUpstream.listen();
  try {
    const address = { host: "127.0.0.1", port: upstream.port };
    const first = new AbortController();
    const waiting = askHttp(address, { path: "/", signal: first.signal });
    const silent = await upstream.accept();
    await silent.head();
    first.abort(new Error("enough"));
    assertEquals(((await rejection(waiting)) as Error).message, "enough");

    const second = new AbortController();
    const opening = openHttp(address, { path: "/", signal: second.signal });
    const peer = await upstream.accept();
    await peer.head();
    peer.send("HTTP/1.1 200 OK\r\n\r\nfirst");
    const { texts } = await opening;
    assertEquals((await texts.next()).value, "first");
    const next = texts.next();
    second.abort(new Error("enough of it"));
    assertEquals(((await rejection(next)) as Error).message, "enough of it");
    for (const one of [silent, peer]) one.close();
  } finally {
    await upstream.close();
  }
});
