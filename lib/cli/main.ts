/** From the first argument to its command; each command is loaded only when it is the one. */
import { commandHelp, helpText, versionText } from "./help.ts";
import { exit, type Io } from "./io.ts";

const commands: Readonly<Record<string, (io: Io) => Promise<number>>> = {
  run: async (io) => (await import("./run.ts")).runWithApp(io),
  registry: async (io) => (await import("./registry.ts")).runRegistry(io),
  check: async (io) => (await import("./check.ts")).runCheck(io.args, io),
  status: async (io) => (await import("./status.ts")).runStatus(io),
  explain: async (io) => (await import("./explain.ts")).runExplain(io),
  tap: async (io) => (await import("./tap.ts")).runTap(io),
  top: async (io) => (await import("./top.ts")).runTop(io),
  doctor: async (io) => (await import("./doctor.ts")).runDoctor(io),
  health: async (io) => (await import("./health.ts")).runHealth(io),
  drain: async (io) => (await import("./drain.ts")).runDrain(io),
  demo: async (io) => (await import("./demo.ts")).runDemo(io),
  // The plain programs of the demo; they are in here so that the binary alone can show it.
  "demo-app": async (io) => (await import("./demo_app.ts")).runDemoApp(io),
  version: (io) => say(io, versionText()),
  help: (io) => say(io, helpText),
};

function say(io: Io, text: string): Promise<number> {
  io.stdout(text);
  return Promise.resolve(exit.ok);
}

/** Shape: resolves with the exit code. */
export async function main(io: Io): Promise<number> {
  const [first, ...rest] = io.args;
  if (first === undefined || first.startsWith("-")) {
    if (first === "--help" || first === "-h") return say(io, helpText);
    if (first === "--version" || first === "-V") return say(io, versionText());
    return (await import("./sidecar.ts")).runSidecar(io);
  }
  const command = Object.hasOwn(commands, first) ? commands[first] : undefined;
  if (command === undefined) {
    io.stderr(`mesher: there is no command "${first}"; see mesher --help\n`);
    return exit.usage;
  }
  const help = Object.hasOwn(commandHelp, first) ? commandHelp[first] : undefined;
  if (help !== undefined && rest.some((arg) => arg === "--help" || arg === "-h")) {
    return say(io, help);
  }
  return await command({ ...io, args: rest });
}
