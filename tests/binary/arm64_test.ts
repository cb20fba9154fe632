/** The program for the other processor, run by an emulator where there is one. */
import { assertEquals, assertMatch } from "@test/assert";
import { startPrograms } from "../support/binary.ts";
import {
  callThrough,
  freeListeners,
  serveHello,
  works,
  writeServices,
} from "../support/binary_here.ts";

const binary = new URL("../../dist/mesher-aarch64-unknown-linux-gnu", import.meta.url).pathname;

/** Where Debian's libc6-arm64-cross puts the other processor's C library. */
const emulator = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"] as const;

const there = await works("test", "-x", binary) && await works(...emulator, binary, "version");
const title = "binary, the one for arm64 starts and carries calls with native sockets";
if (!there) {
  console.log(
    `skipped: ${title}: needs qemu-user, libc6-arm64-cross, libgcc-s1-arm64-cross and the file built`,
  );
}

Deno.test({
  name: title,
  ignore: !there,
  async fn() {
    await using programs = startPrograms(binary);
    const version = await programs.once(["version"], {}, { under: emulator });
    assertMatch(version.stdout, /^mesher \S+ \(linux aarch64, /);
    await using app = serveHello();
    const sidecar = await programs.start([], {
      env: {
        ...freeListeners,
        MESHER_REGISTRY: `file://${writeServices(programs, app.addr.port)}`,
        MESHER_NET: "native",
        // An emulated program takes many seconds for what is done within milliseconds otherwise.
        MESHER_TIMEOUTS_RESOLVE: "60s",
      },
      timeoutMs: 120_000,
      under: emulator,
      until: /mesher is up outbound=(\S+)/,
    });
    for (let count = 0; count < 20; count++) {
      const answer = await callThrough(sidecar.found, "http://Greeter/");
      assertEquals(answer, { status: 200, text: "hello" });
    }
    assertEquals(await sidecar.end("SIGTERM"), 0);
  },
});
