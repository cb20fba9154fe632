import { assertEquals } from "@test/assert";
import { loadConfig } from "../../lib/config/load.ts";
import { watchConfig } from "../../lib/config/watch.ts";
import { patienceMs } from "../support/raw.ts";

/** Waits on a real timer, which is cleared as soon as the signal aborts. */
function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    if (signal?.aborted) end();
    else signal?.addEventListener("abort", end);
  });
}

/** Ways to save a file, as programs do it. */
const ways: Readonly<Record<string, (path: string, text: string) => Promise<void>>> = {
  "written in place": (path, text) => Deno.writeTextFile(path, text),
  "renamed over by an editor": async (path, text) => {
    await Deno.writeTextFile(`${path}.new`, text);
    await Deno.rename(`${path}.new`, path);
  },
  "moved to a backup and written afresh": async (path, text) => {
    await Deno.rename(path, `${path}~`);
    await Deno.writeTextFile(path, text);
  },
  "a link that is pointed at another folder, as Kubernetes does it": async (path, text) => {
    const folder = await Deno.makeTempDir({ dir: path.replace(/\/[^/]*$/, "") });
    await Deno.writeTextFile(`${folder}/mesher.yaml`, text);
    await Deno.symlink(`${folder}/mesher.yaml`, `${path}.link`);
    await Deno.rename(`${path}.link`, path);
  },
};

/** While it is saved in these ways a file is empty or away; a machine that stalls makes a long moment of that. */
const inSteps = ["written in place", "moved to a backup and written afresh"];

for (const [title, save] of Object.entries(ways)) {
  Deno.test(`a configuration file that is ${title} is loaded again`, async () => {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/mesher.yaml`;
    await Deno.writeTextFile(path, "log: info");
    const signal = AbortSignal.timeout(patienceMs);
    const ended = new AbortController();
    const seen: string[] = [];
    const watching = watchConfig({
      file: { path, text: "log: info" },
      clock: { sleep },
      readFile: (path) => Deno.readTextFile(path),
      reload: (text) =>
        loadConfig({ flags: {}, env: {}, readFile: () => Promise.resolve(text), path }),
      changed: (result) => {
        seen.push(result.ok ? result.config.log : "bad");
        if (seen.at(-1) === "debug") ended.abort();
      },
      signal: AbortSignal.any([signal, ended.signal]),
      intervalMs: 20,
      settleMs: 5,
    });
    await save(path, "log: debug");
    await watching;
    await Deno.remove(folder, { recursive: true });
    assertEquals(inSteps.includes(title) ? seen.slice(-1) : seen, ["debug"]);
  });
}
