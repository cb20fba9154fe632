/** The compiled file ends in order: open calls are finished, new ones are not taken, code 0. */
import { assertEquals } from "@test/assert";
import { binaryTest, callThrough, freeListeners, writeServices } from "../support/binary_here.ts";

binaryTest("on SIGTERM it finishes open calls and ends with code 0", async (programs) => {
  const arrived = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  await using app = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async () => {
    arrived.resolve();
    await held.promise;
    return new Response("finished");
  });
  const services = writeServices(programs, app.addr.port);
  const sidecar = await programs.start([], {
    env: { ...freeListeners, MESHER_REGISTRY: `file://${services}` },
    until: /mesher is up outbound=(\S+)/,
  });
  const open = callThrough(sidecar.found, "http://Greeter/slow");
  await arrived.promise;
  sidecar.signal("SIGTERM");
  await sidecar.untilSaid(/SIGTERM: draining/);
  held.resolve();
  assertEquals(await open, { status: 200, text: "finished" });
  assertEquals(await sidecar.exited(), 0);
});
