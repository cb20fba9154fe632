/** An idle sidecar: what only its start has run does not stay in memory. */
import { assert, assertEquals } from "@test/assert";
import { nativeHere } from "../support/plane.ts";
import { until } from "../support/process.ts";
import { mesherCommand, newFolder, untilUp } from "../support/process_mesher.ts";
import { processStory, say } from "../support/process_story.ts";
import { answer, head, rawClient, RawUpstream } from "../support/raw.ts";

/** Pages of files that the process has in memory. */
function filePagesBytes(pid: number): number {
  const found = /^RssFile:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`));
  return Number(found![1]) * 1024;
}

if (nativeHere) {
  processStory(
    "idle memory, code that only the start has run is let go of, and calls go on",
    async (lab) => {
      await using upstream = await RawUpstream.listen();
      upstream.answer(() => answer("ok"));
      const file = `${lab.folder}/services.yaml`;
      await Deno.writeTextFile(
        file,
        `- service: Svc\n  instances: ["rest://127.0.0.1:${upstream.port}"]\n`,
      );
      const sidecar = await untilUp(lab.start("sidecar", mesherCommand(), {
        env: {
          MESHER_REGISTRY: `file://${file}`,
          MESHER_STATE_DIR: newFolder(lab),
          MESHER_OUTBOUND: "127.0.0.1:0",
          MESHER_ADMIN: "127.0.0.1:0",
        },
      }));
      const { pid } = sidecar.process;
      let most = 0;
      const left = await until(() => {
        const now = filePagesBytes(pid);
        most = Math.max(most, now);
        return now < most / 2 ? now : undefined;
      }, () => `less than half of ${most} bytes of the files`);
      assert(left > 0);
      const client = await rawClient(sidecar.outbound);
      for (let call = 0; call < 10; call++) {
        client.send(head("GET / HTTP/1.1", "Host: Svc"));
        assertEquals((await client.message()).body, "ok");
      }
      client.close();
      const mib = (bytes: number) => Math.round(bytes / 2 ** 20);
      say(`${mib(most)} MiB of files at first, ${mib(left)} MiB then`);
    },
  );
}
