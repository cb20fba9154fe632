/** The compiled file takes over a changed configuration, by itself and on SIGHUP, and keeps the old one if need be. */
import { assertEquals, assertMatch } from "@test/assert";
import { binaryTest, callThrough, freeListeners, serveHello } from "../support/binary_here.ts";
import { until } from "../support/process.ts";

const up = /mesher is up outbound=(\S+)/;

binaryTest(
  "reloads a changed file by itself, and keeps the old one when the new is bad",
  async (programs) => {
    await using app = serveHello();
    const outside = `http://127.0.0.1:${app.addr.port}/`;
    const file = `${programs.folder}/mesher.yaml`;
    const registry = `registry: file://${programs.folder}/services.yaml\n`;
    await Deno.writeTextFile(`${programs.folder}/services.yaml`, "[]\n");
    await Deno.writeTextFile(file, registry);
    const sidecar = await programs.start(["--config", file], { env: freeListeners, until: up });
    assertEquals((await callThrough(sidecar.found, outside)).status, 200);
    await Deno.writeTextFile(file, `${registry}egress: deny\n`);
    await sidecar.untilSaid(/configuration reloaded: (\S+)/);
    const denied = await until(async () => {
      const { status } = await callThrough(sidecar.found, outside);
      return status === 200 ? undefined : status;
    }, "the new configuration to be in force");
    assertEquals(denied, 403);
    await Deno.writeTextFile(file, `${registry}egres: allow\n`);
    assertMatch(
      await sidecar.untilSaid(/(the new configuration is not used.*)/),
      /egres: is not a key.*egress/,
    );
    assertEquals((await callThrough(sidecar.found, outside)).status, 403);
    assertEquals(await sidecar.end("SIGTERM"), 0);
  },
);

binaryTest("reloads on SIGHUP at once", async (programs) => {
  await using app = serveHello();
  const outside = `http://127.0.0.1:${app.addr.port}/`;
  const file = `${programs.folder}/mesher.yaml`;
  const registry = `registry: file://${programs.folder}/services.yaml\n`;
  await Deno.writeTextFile(`${programs.folder}/services.yaml`, "[]\n");
  await Deno.writeTextFile(file, registry);
  const sidecar = await programs.start([], {
    env: { ...freeListeners, MESHER_CONFIG: file },
    until: up,
  });
  assertEquals((await callThrough(sidecar.found, outside)).status, 200);
  await Deno.writeTextFile(file, `${registry}egress: deny\n`);
  sidecar.signal("SIGHUP");
  await sidecar.untilSaid(/configuration reloaded: egress/);
  const denied = await until(async () => {
    const { status } = await callThrough(sidecar.found, outside);
    return status === 200 ? undefined : status;
  }, "the new configuration to be in force");
  assertEquals(denied, 403);
  assertEquals(await sidecar.end("SIGTERM"), 0);
});
