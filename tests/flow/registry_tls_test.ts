/** TLS to the registry, on the real network: calls and watch trust the given authority and nobody else. */
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { assert, assertEquals, assertMatch, rejection } from "@test/assert";
import { createServiceCenterBackend } from "../../lib/control/registry/service_center.ts";
import { type Registration, RegistryError } from "../../lib/control/registry/registry.ts";
import { realClock } from "../../lib/platform/real_clock.ts";
import { createRegistryNet } from "../../lib/platform/registry_net.ts";
import { FaultyRegistry } from "../support/faulty_registry.ts";
import { within } from "../support/raw.ts";
import {
  testAuthority,
  testCertificate,
  testClientAuthority,
  testClientCertificate,
  testClientKey,
  testKey,
} from "../support/registry_cert.ts";
import { RecordingLogger } from "../support/registry_fakes.ts";

const never = new AbortController().signal;
const registration: Registration = {
  key: { app: "default", name: "Account", version: "1.0.0", environment: "" },
  hostName: "vm1",
  endpoints: ["rest://10.0.0.7:30103"],
  ports: [],
  properties: {},
  status: "UP",
  lease: { intervalMs: 30_000, times: 3 },
};

async function secureRegistry() {
  const faulty = new FaultyRegistry({ clock: realClock });
  await faulty.start();
  const server = Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    cert: testCertificate,
    key: testKey,
    onListen: () => {},
  }, faulty.handle);
  return {
    faulty,
    port: server.addr.port,
    async [Symbol.asyncDispose]() {
      await faulty.stop();
      await server.shutdown();
    },
  };
}

function client(address: string, caCert?: string) {
  const net = createRegistryNet(caCert === undefined ? {} : { caCert });
  const backend = createServiceCenterBackend({
    addresses: [address],
    fetch: net.fetch,
    dial: net.dial,
    clock: realClock,
    random: Math.random,
    logger: new RecordingLogger(),
    version: "0.0.1",
  });
  return {
    backend,
    async [Symbol.asyncDispose]() {
      await backend.close();
      net.close();
    },
  };
}

for (const host of ["localhost", "127.0.0.1"]) {
  Deno.test(`registry over TLS, a registry at ${host} whose authority is given is called and watched`, async () => {
    await using registry = await secureRegistry();
    await using own = client(`https://${host}:${registry.port}`, testAuthority);
    await own.backend.registrar!.register(registration, never);
    assertEquals(registry.faulty.registry.stats().instances, 1);
    const stop = new AbortController();
    const begun = Promise.withResolvers<void>();
    const watching = own.backend.watch!.watch(() => begun.resolve(), stop.signal);
    await within(begun.promise, "the watch to open");
    stop.abort();
    await watching;
  });
}

Deno.test("registry over TLS, a registry that nobody vouches for gets no call", async () => {
  await using registry = await secureRegistry();
  await using stranger = client(`https://localhost:${registry.port}`);
  const answer = await stranger.backend.registrar!.register(registration, never)
    .then(() => "registered", (error) => error);
  assert(answer instanceof RegistryError, String(answer));
  assertEquals(answer.code, "unreachable");
  assertEquals(registry.faulty.calls, 0);
});

/** A registry that speaks only to clients with a certificate; web sockets it has none. */
async function distrustfulRegistry() {
  const faulty = new FaultyRegistry({ clock: realClock });
  await faulty.start();
  const server = createServer({
    cert: testCertificate,
    key: testKey,
    ca: testClientAuthority,
    requestCert: true,
    rejectUnauthorized: true,
  }, async (request, response) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = chunks.length === 0 ? null : await new Blob(chunks as BlobPart[]).text();
    const url = `http://registry${request.url}`;
    const headers = Object.entries(request.headers).map(([name, value]) =>
      [name, String(value)] as [string, string]
    );
    const answer = await faulty.handle(
      new Request(url, { method: request.method ?? "GET", headers, body }),
    );
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(new Uint8Array(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    faulty,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      await faulty.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const identity = { cert: testClientCertificate, key: testClientKey };

Deno.test("registry over TLS, one that wants a certificate is called with it, by calls and by connections that stay", async () => {
  await using registry = await distrustfulRegistry();
  const net = createRegistryNet({ caCert: testAuthority, identity });
  const backend = createServiceCenterBackend({
    addresses: [`https://localhost:${registry.port}`],
    fetch: net.fetch,
    clock: realClock,
    random: Math.random,
    logger: new RecordingLogger(),
    version: "0.0.1",
  });
  try {
    await backend.registrar!.register(registration, never);
    assertEquals(registry.faulty.registry.stats().instances, 1);
    const target = { host: "localhost", port: registry.port, secure: true };
    const connection = await net.dial(target, never);
    const line = "GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    await connection.write(new TextEncoder().encode(line));
    const answer = new Uint8Array(200);
    const count = await connection.read(answer);
    assertMatch(new TextDecoder().decode(answer.subarray(0, count ?? 0)), /^HTTP\/1.1 200 /);
    connection.close();
  } finally {
    await backend.close();
    net.close();
  }
});

Deno.test("registry over TLS, one that wants a certificate does not answer without", async () => {
  await using registry = await distrustfulRegistry();
  await using own = client(`https://localhost:${registry.port}`, testAuthority);
  const error = await rejection(own.backend.registrar!.register(registration, never));
  assert(error instanceof RegistryError);
  assertEquals([error.code, registry.faulty.calls], ["unreachable", 0]);
});

Deno.test("registry over TLS, nobody is dialled with a certificate when nobody waits any more", async () => {
  await using registry = await distrustfulRegistry();
  const net = createRegistryNet({ caCert: testAuthority, identity });
  const target = { host: "127.0.0.1", port: registry.port, secure: true };
  const stopped = AbortSignal.abort(new Error("nobody waits"));
  assertMatch(String(await rejection(net.dial(target, stopped))), /nobody waits/);
  const stop = new AbortController();
  const dialled = rejection(net.dial(target, stop.signal));
  stop.abort(new Error("nobody waits any more"));
  assertMatch(String(await dialled), /nobody waits any more/);
  net.close();
});
