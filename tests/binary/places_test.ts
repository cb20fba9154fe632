/** The compiled file where little is allowed: no rights, no home, no room, few descriptors, a taken port. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import {
  binary,
  binaryTest,
  callThrough,
  freeListeners,
  isRoot,
  serveHello,
  works,
  writeServices,
} from "../support/binary_here.ts";
import type { ProgramOptions, Programs } from "../support/binary.ts";

const up = /mesher is up outbound=(\S+)/;
const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] as const;

/** Starts it, makes calls by name through it, ends it. Shape: what it said. */
async function carries(programs: Programs, options: ProgramOptions, calls = 3): Promise<string> {
  await using app = serveHello();
  const services = writeServices(programs, app.addr.port);
  const sidecar = await programs.start([], {
    ...options,
    env: { ...freeListeners, MESHER_REGISTRY: `file://${services}`, ...options.env },
    until: up,
  });
  for (let count = 0; count < calls; count++) {
    assertEquals(await callThrough(sidecar.found, "http://Greeter/"), {
      status: 200,
      text: "hello",
    });
  }
  assertEquals(await sidecar.end("SIGTERM"), 0);
  return sidecar.said();
}

binaryTest("works as another user from a folder that cannot be written", async (programs) => {
  const place = `${programs.folder}/read-only`;
  await Deno.mkdir(place);
  await Deno.copyFile(binary, `${place}/mesher`);
  await Deno.chmod(`${place}/mesher`, 0o555);
  await Deno.chmod(place, 0o555);
  // The program to start is named in `under`; what would be its own name becomes an argument that means nothing more.
  const said = await carries(programs, {
    cwd: place,
    under: [...asNobody, "sh", "-c", 'shift; test ! -w . && exec ./mesher "$@"', "sh"],
    env: { HOME: "/nonexistent", MESHER_STATE_DIR: "/nonexistent/state" },
  });
  assertMatch(said, /snapshot .* cannot be written/);
}, {
  what: "needs root and setpriv to become another user",
  there: isRoot && await works(...asNobody, "true"),
});

binaryTest("works without a home folder and without most of the environment", async (programs) => {
  await carries(programs, {
    under: ["env", "-u", "HOME", "-u", "MESHER_STATE_DIR", "-u", "PATH", "-u", "USER"],
  });
});

binaryTest("works with a state folder that cannot be written, and says so", async (programs) => {
  // A file in the place of the folder stops root as well.
  await Deno.writeTextFile(`${programs.folder}/no-folder`, "");
  const said = await carries(programs, {
    env: { MESHER_STATE_DIR: `${programs.folder}/no-folder` },
  });
  assertMatch(said, /snapshot .*no-folder.* cannot be written/);
});

const canMount = isRoot &&
  await works("unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt");

binaryTest("works with a state folder on a full disk, and says so", async (programs) => {
  const state = `${programs.folder}/full`;
  await Deno.mkdir(state);
  const script =
    `mount -t tmpfs -o size=4k none "$0" && head -c 4096 /dev/zero >"$0/filler"; exec "$@"`;
  const said = await carries(programs, {
    env: { MESHER_STATE_DIR: state },
    under: ["unshare", "--mount", "sh", "-c", script, state],
  });
  assertMatch(said, /snapshot .* cannot be written: .*(no space|os error 28)/i);
}, { what: "needs root and mounts of its own", there: canMount });

binaryTest(
  "works with a state folder on a disk mounted read-only, and says so",
  async (programs) => {
    const state = `${programs.folder}/ro`;
    await Deno.mkdir(state);
    const said = await carries(programs, {
      env: { MESHER_STATE_DIR: state },
      under: ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o ro none "$0"; exec "$@"', state],
    });
    assertMatch(said, /snapshot .* cannot be written: .*(read-only|os error 30)/i);
  },
  { what: "needs root and mounts of its own", there: canMount },
);

binaryTest(
  "works with 256 descriptors while many more clients connect than fit",
  async (programs) => {
    await using app = serveHello();
    const services = writeServices(programs, app.addr.port);
    const sidecar = await programs.start([], {
      env: { ...freeListeners, MESHER_REGISTRY: `file://${services}` },
      under: ["sh", "-c", 'ulimit -n 256; exec "$@"', "sh"],
      until: up,
    });
    const port = Number(sidecar.found.split(":")[1]);
    const idle = await Promise.all(
      Array.from({ length: 300 }, () => Deno.connect({ hostname: "127.0.0.1", port })),
    );
    assert(idle.length === 300);
    for (const connection of idle) connection.close();
    // Only when the others have gone there is room for this one; it must still be served.
    assertEquals(await callThrough(sidecar.found, "http://Greeter/"), {
      status: 200,
      text: "hello",
    });
    assertEquals(await sidecar.end("SIGTERM"), 0);
  },
);

for (const role of ["outbound", "inbound", "admin"] as const) {
  binaryTest(`a taken ${role} port is code 1 and a sentence that names it`, async (programs) => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { code, stderr } = await programs.once([], {
      ...freeListeners,
      MESHER_REGISTRY: "http://127.0.0.1:1",
      MESHER_SERVICE: "AccountService",
      MESHER_PORTS: "rest:8080",
      [`MESHER_${role.toUpperCase()}`]: `127.0.0.1:${taken.addr.port}`,
    });
    assertEquals(code, 1);
    assertMatch(
      stderr,
      new RegExp(`mesher: cannot listen on 127\\.0\\.0\\.1:${taken.addr.port}.* in use`),
    );
  });
}

binaryTest(
  "two at once on one host share the registry that the first one serves",
  async (programs) => {
    const env = {
      ...freeListeners,
      MESHER_REGISTRY_LISTEN: `127.0.0.1:${programs.freePort()}`,
    };
    await using app = serveHello();
    const provider = await programs.start([], {
      env: { ...env, MESHER_SERVICE: "Greeter", MESHER_PORTS: `rest:${app.addr.port}` },
      until: /registered (Greeter)/,
    });
    const consumer = await programs.start([], { env, until: up });
    assertEquals(await callThrough(consumer.found, "http://Greeter/"), {
      status: 200,
      text: "hello",
    });
    assertEquals(await consumer.end("SIGTERM"), 0);
    assertEquals(await provider.end("SIGTERM"), 0);
  },
);
