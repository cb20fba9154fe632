/** The servers that mesher runs itself: they end cleanly, in bounded time, and free their port. */
import { assert, assertEquals } from "@test/assert";
import { AddressInUseError } from "../../lib/core/ports.ts";
import { serveHttp } from "../../lib/platform/http_server.ts";
import { within } from "../support/raw.ts";

function portOf(address: ReturnType<typeof serveHttp>["address"]): number {
  assert(!("path" in address));
  return address.port;
}

Deno.test("http server, closes after a call on a connection that is kept alive, and its port is free", async () => {
  const server = serveHttp({ host: "127.0.0.1", port: 0 }, () => new Response("ok"));
  const port = portOf(server.address);
  using client = Deno.createHttpClient({});
  assertEquals(await (await fetch(`http://127.0.0.1:${port}/`, { client })).text(), "ok");
  await server.close();
  const again = serveHttp({ host: "127.0.0.1", port }, () => new Response("again"));
  assertEquals(await (await fetch(`http://127.0.0.1:${port}/`, { client })).text(), "again");
  await again.close();
});

Deno.test("http server, closes without ever having been called", async () => {
  const server = serveHttp({ host: "127.0.0.1", port: 0 }, () => new Response("ok"));
  await server.close();
  assert(portOf(server.address) > 0);
});

Deno.test("http server, does not wait for ever for a request that hangs", async () => {
  const arrived = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const server = serveHttp({ host: "127.0.0.1", port: 0 }, async () => {
    arrived.resolve();
    await held.promise;
    return new Response("late");
  });
  const call = fetch(`http://127.0.0.1:${portOf(server.address)}/`).then((answer) => answer.text());
  await arrived.promise;
  // The call hangs until it has closed.
  await within(server.close(), "its end");
  held.resolve();
  assertEquals(await call, "late");
});

Deno.test("http server, a taken port is an error of its own with the address in words", async () => {
  const first = serveHttp({ host: "127.0.0.1", port: 0 }, () => new Response("ok"));
  const port = portOf(first.address);
  try {
    serveHttp({ host: "127.0.0.1", port }, () => new Response("no"));
    assert(false, "two servers on one port");
  } catch (error) {
    assert(error instanceof AddressInUseError, String(error));
    assert(error.message.includes(`127.0.0.1:${port}`), error.message);
  }
  await first.close();
});
