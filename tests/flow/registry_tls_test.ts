/** TLS to the registry, on the real network: calls and watch trust the given authority and nobody else. */
import { assert, assertEquals } from "@test/assert";
import { createServiceCenterBackend } from "../../lib/control/registry/service_center.ts";
import { type Registration, RegistryError } from "../../lib/control/registry/registry.ts";
import { realClock } from "../../lib/platform/real_clock.ts";
import { createRegistryNet } from "../../lib/platform/registry_net.ts";
import { FaultyRegistry } from "../support/faulty_registry.ts";
import { testAuthority, testCertificate, testKey } from "../support/registry_cert.ts";
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
    const late = setTimeout(() => begun.reject(new Error("the watch did not open")), 5_000);
    await begun.promise;
    clearTimeout(late);
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
