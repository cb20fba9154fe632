/** A running sidecar takes over what changes in its file: good changes, mistakes, and what needs a restart. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import type { Lab } from "../support/process.ts";
import { until } from "../support/process.ts";
import { callOnce, serveApp } from "../support/process_http.ts";
import {
  adminGet,
  metric,
  type SidecarProcess,
  spawnSidecar,
  startSidecar,
  untilUp,
} from "../support/process_mesher.ts";
import { processStory } from "../support/process_story.ts";

const good = "registry_listen: 127.0.0.1:0\negress: allow\n";
const denying = "registry_listen: 127.0.0.1:0\negress: deny\n";

/** A sidecar with a file, and a host outside the mesh that it may call or not. */
class Reloading {
  readonly sidecar: SidecarProcess;
  readonly path: string;
  readonly #host: string;
  readonly #expected: string[] = [];

  private constructor(sidecar: SidecarProcess, parts: { path: string; host: string }) {
    this.sidecar = sidecar;
    this.path = parts.path;
    this.#host = parts.host;
  }

  static async start(lab: Lab): Promise<Reloading> {
    const path = `${lab.folder}/mesher.yaml`;
    const port = serveApp(lab, () => new Response("outside"));
    await Deno.writeTextFile(path, good);
    const sidecar = await startSidecar(lab, { name: "sidecar", args: [`--config=${path}`] });
    return new Reloading(sidecar, { path, host: `127.0.0.1:${port}` });
  }

  /** Status of a call to the host outside. */
  async call(): Promise<number> {
    return (await callOnce(this.sidecar.outbound, `http://${this.#host}/`)).status;
  }

  /** Data threads are told without waiting for them, so the effect is waited for. */
  async becomes(status: number): Promise<void> {
    let last = 0;
    await until(
      async () => (last = await this.call()) === status || undefined,
      () => `the status ${status}; it is ${last}`,
    );
  }

  /** Waits until one more line than before fits. */
  async says(line: string): Promise<void> {
    this.#expected.push(line);
    const wanted = this.#expected.filter((one) => one === line).length;
    await until(async () => {
      const text = await this.sidecar.process.errors();
      return text.split(line).length - 1 >= wanted ? true : undefined;
    }, `the line "${line}" for the ${wanted}. time`);
  }

  async refused(): Promise<{ readonly count: number; readonly last: string }> {
    return JSON.parse((await adminGet(this.sidecar, "/status")).text).refusedReloads;
  }
}

/** In one step, so that nobody finds the file empty, however long this process may stall. */
async function save(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(`${path}.new`, text);
  await Deno.rename(`${path}.new`, path);
}

/** Ways by which a change reaches the sidecar. */
const ways: Readonly<Record<string, (at: Reloading, text: string) => Promise<void>>> = {
  "by itself": (at, text) => save(at.path, text),
  "with SIGHUP": async (at, text) => {
    await save(at.path, text);
    at.sidecar.process.signal("SIGHUP");
  },
};

for (const [way, change] of Object.entries(ways)) {
  processStory(`reload, a changed file is taken over ${way}`, async (lab) => {
    const at = await Reloading.start(lab);
    assertEquals(await at.call(), 200);
    await change(at, denying);
    await at.says("configuration reloaded: egress");
    await at.becomes(403);
    assertEquals(JSON.parse((await adminGet(at.sidecar, "/config")).text).egress, "deny");
    await change(at, good);
    await at.says("configuration reloaded: egress");
    await at.becomes(200);
    assertEquals((await at.refused()).count, 0);
  });

  processStory(
    `reload, a mistake in the file changes nothing and is shown, ${way}`,
    async (lab) => {
      const at = await Reloading.start(lab);
      await change(at, `${denying}egres: deny\n`);
      await at.says("the new configuration is not used: egres");
      assertEquals(await at.call(), 200);
      const { last } = await at.refused();
      assertMatch(last, /egres.*did you mean egress/s);
      assert(await metric(at.sidecar, "mesher_configuration_refused_total") as number >= 1);
      assertEquals((await adminGet(at.sidecar, "/readyz")).status, 200);
      // The mistake is mended, and what else was changed comes with it.
      await change(at, denying);
      await at.says("configuration reloaded: egress");
      await at.becomes(403);
    },
  );

  processStory(
    `reload, a change that needs a restart is refused as a whole and named, ${way}`,
    async (lab) => {
      const at = await Reloading.start(lab);
      await change(at, `${denying}threads: 2\n`);
      await at.says("a change of threads needs a restart");
      assertEquals(await at.call(), 200);
      assertMatch((await at.refused()).last, /threads/);
    },
  );
}

processStory(
  "reload, under mesher run SIGHUP reloads and reaches the application too",
  async (lab) => {
    const path = `${lab.folder}/mesher.yaml`;
    await Deno.writeTextFile(path, good);
    const code = `
    Deno.addSignalListener("SIGHUP", () => console.error("app: SIGHUP"));
    console.error("app: listening");
    setInterval(() => {}, 1000);
  `;
    const process = spawnSidecar(lab, {
      name: "run",
      args: [`--config=${path}`],
      app: [Deno.execPath(), "eval", "--quiet", code],
    });
    await untilUp(process);
    await process.line(/app: listening/);
    await Deno.writeTextFile(path, denying);
    process.signal("SIGHUP");
    await process.line(/app: SIGHUP/);
    await process.line(/configuration reloaded: egress/);
    process.signal("SIGTERM");
    assertEquals(await process.exited(), 143);
  },
);
