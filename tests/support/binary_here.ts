/** The compiled program as the tests of it find it, and what this machine lets them do. */
import { type Environment, type Programs, type Started, startPrograms } from "./binary.ts";

/** Made by `deno task build`. */
export const binary = new URL("../../dist/mesher", import.meta.url).pathname;

export const isRoot = Deno.build.os === "linux" && Deno.uid() === 0;

/** Ports of the system's choice and nothing kept from the outside. */
export const freeListeners: Environment = {
  MESHER_OUTBOUND: "127.0.0.1:0",
  MESHER_INBOUND: "127.0.0.1:0",
  MESHER_ADMIN: "127.0.0.1:0",
};

/** A plain server to be called. */
export function serveHello(): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("hello"),
  );
}

/** The path of a registry file in the test's folder that knows one service, Greeter. */
export function writeServices(programs: Programs, port: number): string {
  const path = `${programs.folder}/services.yaml`;
  Deno.writeTextFileSync(
    path,
    `- service: Greeter\n  instances: ["rest://127.0.0.1:${port}"]\n`,
  );
  return path;
}

/** One call through a sidecar. */
export async function callThrough(
  outbound: string,
  url: string,
): Promise<{ readonly status: number; readonly text: string }> {
  using client = Deno.createHttpClient({ proxy: { url: `http://${outbound}` } });
  const answer = await fetch(url, { client });
  return { status: answer.status, text: await answer.text() };
}

/** The admin address in the line that says where a sidecar listens. */
export function adminOf(sidecar: Started): string {
  return /mesher is up .*\badmin=(\S+)/.exec(sidecar.said())![1]!;
}

/** Whether a program is installed and does what it is asked. */
export async function works(program: string, ...args: readonly string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch {
    return false;
  }
}

/** Registers a test of the binary; without what it needs it says so and passes over. */
export function binaryTest(
  name: string,
  fn: (programs: Programs) => Promise<void>,
  needs: { readonly what: string; readonly there: boolean } = { what: "", there: true },
): void {
  if (!needs.there) console.log(`skipped: ${name}: ${needs.what}`);
  Deno.test({
    name: `binary, ${name}`,
    ignore: !needs.there,
    async fn() {
      await using programs = startPrograms(binary);
      await fn(programs);
    },
  });
}
