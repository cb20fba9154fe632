/** The application that `mesher run` starts: real processes, their signals and exit codes. */
import { assert, assertEquals } from "@test/assert";
import { forwardSignals, startApp } from "../../lib/platform/process.ts";
import { onSignals } from "../../lib/platform/signals.ts";

const unix = Deno.build.os !== "windows";

function start(command: string, args: readonly string[], env: Record<string, string> = {}) {
  const begun = startApp({ command, args, env });
  assert(begun.kind === "started", JSON.stringify(begun));
  return begun.app;
}

Deno.test("application, its exit code comes back", async () => {
  const app = start(Deno.execPath(), ["eval", "Deno.exit(7)"]);
  assertEquals(await app.exitCode, 7);
  app.signal("SIGTERM");
});

Deno.test("application, gets the added variables beside the inherited ones", async () => {
  const app = start(Deno.execPath(), [
    "eval",
    'Deno.exit(Deno.env.get("http_proxy") === "http://p:1" && Deno.env.has("PATH") ? 3 : 4)',
  ], { http_proxy: "http://p:1" });
  assertEquals(await app.exitCode, 3);
});

Deno.test({
  name: "application, ended by a signal it gives 128 plus its number",
  ignore: !unix,
  async fn() {
    const app = start("sleep", ["60"]);
    app.signal("SIGKILL");
    assertEquals(await app.exitCode, 137);
  },
});

Deno.test("application, a program that does not exist fails with 127 and its name", () => {
  const begun = startApp({ command: "no-such-program-here", args: [], env: {} });
  assertEquals(begun, {
    kind: "failed",
    code: 127,
    message: 'cannot start "no-such-program-here": there is no such program in PATH',
  });
});

Deno.test({
  name: "application, a file that cannot be run fails with 126",
  ignore: !unix,
  async fn() {
    const file = await Deno.makeTempFile();
    try {
      const begun = startApp({ command: file, args: [], env: {} });
      assert(begun.kind === "failed");
      assertEquals(begun.code, 126);
      assert(begun.message.includes(file), begun.message);
    } finally {
      await Deno.remove(file);
    }
  },
});

Deno.test({
  name: "signals, one that this process gets is handed on to the application",
  ignore: !unix,
  async fn() {
    const app = start("sleep", ["60"]);
    const seen: string[] = [];
    const stop = forwardSignals(app, {
      names: ["SIGUSR2"],
      seen: (name) => seen.push(name),
      terminal: false,
    });
    Deno.kill(Deno.pid, "SIGUSR2");
    // SIGUSR2 ends a program that does not listen to it.
    assertEquals(await app.exitCode, Deno.build.os === "linux" ? 140 : 159);
    assertEquals(seen, ["SIGUSR2"]);
    stop();
  },
});

Deno.test({
  name: "signals, with a terminal SIGQUIT is reported but left to the terminal to deliver",
  ignore: !unix,
  async fn() {
    const app = start("sleep", ["60"]);
    const { promise, resolve } = Promise.withResolvers<string>();
    const stop = forwardSignals(app, { names: ["SIGQUIT"], seen: resolve, terminal: true });
    Deno.kill(Deno.pid, "SIGQUIT");
    assertEquals(await promise, "SIGQUIT");
    stop();
    app.signal("SIGTERM");
    assertEquals(await app.exitCode, 143);
  },
});

Deno.test({
  name: "signals, those that the platform does not have are skipped and the rest still work",
  ignore: !unix,
  async fn() {
    // Waiting for a signal alone does not keep a process alive; the application beside it does.
    const app = start("sleep", ["60"]);
    const { promise, resolve } = Promise.withResolvers<string>();
    const stop = onSignals({ SIGBREAK: () => resolve("break"), SIGUSR1: () => resolve("usr1") });
    Deno.kill(Deno.pid, "SIGUSR1");
    assertEquals(await promise, "usr1");
    stop();
    app.signal("SIGKILL");
    await app.exitCode;
  },
});
