/** The compiled file tells the service manager when it is up and when it ends. */
import { assertEquals } from "@test/assert";
import { binaryTest, freeListeners, works } from "../support/binary_here.ts";
import { until } from "../support/process.ts";

/** Deno's own datagram sockets are not stable, so a few lines of Python take the place of systemd. */
const receiver = `import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("\\0" + sys.argv[1][1:] if sys.argv[1].startswith("@") else sys.argv[1])
s.settimeout(30)
print("bound", flush=True)
for _ in range(2): print(s.recv(100).decode(), flush=True)
`;

const python = { what: "needs python3", there: await works("python3", "--version") };

for (const kind of ["a path", "an abstract name"] as const) {
  binaryTest(`service manager, hears READY and STOPPING on ${kind}`, async (programs) => {
    await Deno.writeTextFile(`${programs.folder}/services.yaml`, "[]\n");
    const socket = `${kind === "a path" ? "" : "@"}${programs.folder}/notify`;
    const child = new Deno.Command("python3", {
      args: ["-c", receiver, socket],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    let heard = "";
    const reading = (async () => {
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) heard += text;
    })();
    const has = (text: string) =>
      until(() => heard.includes(text) ? true : undefined, () => `${text} in ${heard}`);
    try {
      await has("bound");
      const sidecar = await programs.start([], {
        env: {
          ...freeListeners,
          MESHER_REGISTRY: `file://${programs.folder}/services.yaml`,
          NOTIFY_SOCKET: socket,
        },
        until: /mesher is up/,
      });
      await has("READY=1");
      assertEquals(await sidecar.end("SIGTERM"), 0);
      await has("STOPPING=1");
    } finally {
      // It ends by itself after the second message.
      if (!heard.includes("STOPPING=1")) child.kill("SIGKILL");
      await child.status;
      await reading;
    }
  }, python);
}
