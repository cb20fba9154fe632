/** What a mesher costs: size, time to the first carried request, memory; beside a program that does nothing. */
import { gzipSync } from "node:zlib";
import { encodeSnapshot } from "../lib/control/discovery/disk_format.ts";
import { type Child, freePorts, Workplace } from "./bench/children.ts";
import { rssKib } from "./bench/process_cost.ts";
import { compileEmpty } from "./build/empty_program.ts";
import { v8Flags } from "./v8_flags.ts";

const usage = `deno run -A scripts/footprint.ts [FILE...]
  Measures compiled programs of mesher (default: dist/mesher, and this one from source) and an empty program with one
  empty worker. Linux only: memory is read from /proc.`;

const root = new URL("../", import.meta.url).pathname;

const rounds = 10;
const requests = 10_000;
/** How long a started program is left alone before its idle memory is read. */
const settleMs = 3000;
const giveUpMs = 10_000;

/** Nothing listens on port 1, so the registry is down. */
const registry = "http://127.0.0.1:1";

export interface Footprint {
  readonly name: string;
  /** Undefined from source. */
  readonly size: { readonly bytes: number; readonly gzippedBytes: number } | undefined;
  /** From exec to the whole answer, one value a round, ascending. Empty for a program that carries nothing. */
  readonly firstRequestMs: readonly number[];
  readonly idleKib: number;
  /** The part of it that no other process shares. */
  readonly idleOwnKib: number;
  readonly usedKib: number | undefined;
}

async function connect(port: number): Promise<Deno.TcpConn> {
  const endMs = performance.now() + giveUpMs;
  for (;;) {
    try {
      return await Deno.connect({ hostname: "127.0.0.1", port });
    } catch (error) {
      if (performance.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

const request = new TextEncoder().encode(
  "GET http://AccountService/ HTTP/1.1\r\nHost: AccountService\r\n\r\n",
);

/** Sends one request and reads its answer, which fits one read. Errors: any status but 200. */
async function call(connection: Deno.Conn): Promise<void> {
  await connection.write(request);
  const buffer = new Uint8Array(4096);
  const length = await connection.read(buffer) ?? 0;
  const text = new TextDecoder().decode(buffer.subarray(0, length));
  if (!text.startsWith("HTTP/1.1 200 ")) throw new Error(`the answer was: ${text.slice(0, 300)}`);
}

async function writeSnapshot(stateDir: string, port: number): Promise<void> {
  const service = "AccountService";
  const now = Date.now();
  const instance = {
    instanceId: "i1",
    serviceId: "s1",
    app: "default",
    serviceName: service,
    version: "1.0.0",
    status: "UP",
    endpoints: [{ protocol: "rest", host: "127.0.0.1", port, secure: false }],
    properties: {},
  } as const;
  const text = await encodeSnapshot({
    scope: { registry: `service center ${registry}`, app: "default", environment: "" },
    savedAt: now,
    sets: [{ service, instances: [instance], confirmedAt: now }],
  });
  await Deno.mkdir(stateDir, { recursive: true });
  await Deno.writeTextFile(`${stateDir}/discovery-consumer.json`, text);
}

/** Memory that only this process holds. Units: KiB. */
async function ownKib(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`);
  const sum = [...text.matchAll(/^Private_\w+:\s+(\d+) kB$/gm)];
  return sum.reduce((total, [, kib]) => total + Number(kib), 0);
}

async function end(child: Child): Promise<void> {
  Deno.kill(child.pid, "SIGTERM");
  await child.ended;
}

interface Subject {
  readonly command: readonly string[];
  /** The program, where it is one file. */
  readonly file?: string;
  readonly name: string;
  /** Whether it is a mesher; the empty program carries nothing. */
  readonly carries: boolean;
}

async function measure(place: Workplace, subject: Subject, originPort: number): Promise<Footprint> {
  const { command, file, name, carries } = subject;
  const stateDir = `${place.folder}/state`;
  await writeSnapshot(stateDir, originPort);
  const firstRequestMs: number[] = [];
  const start = () => {
    const [outbound, admin] = freePorts(2);
    const env = {
      MESHER_REGISTRY: registry,
      MESHER_STATE_DIR: stateDir,
      MESHER_OUTBOUND: `127.0.0.1:${outbound}`,
      MESHER_ADMIN: `127.0.0.1:${admin}`,
    };
    const beganMs = performance.now();
    return { child: place.start("measured", command, { env }), port: outbound!, beganMs };
  };
  // The first start from source since a change compiles what has changed.
  if (file === undefined) {
    const { child, port } = start();
    (await connect(port)).close();
    await end(child);
  }
  for (let round = 0; carries && round < rounds; round++) {
    const { child, port, beganMs } = start();
    using connection = await connect(port);
    await call(connection);
    firstRequestMs.push(performance.now() - beganMs);
    await end(child);
  }
  const { child, port } = start();
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  const idleKib = await rssKib(child.pid) ?? 0;
  const idleOwnKib = await ownKib(child.pid);
  let usedKib: number | undefined;
  if (carries) {
    using connection = await connect(port);
    for (let count = 0; count < requests; count++) await call(connection);
    usedKib = await rssKib(child.pid);
  }
  await end(child);
  firstRequestMs.sort((a, b) => a - b);
  const size = file === undefined ? undefined : await sizeOf(file);
  return { name, size, firstRequestMs, idleKib, idleOwnKib, usedKib };
}

async function sizeOf(file: string): Promise<Footprint["size"]> {
  const bytes = await Deno.readFile(file);
  return { bytes: bytes.length, gzippedBytes: gzipSync(bytes, { level: 9 }).length };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function mebibytes(kib: number): string {
  return `${(kib / 1024).toFixed(1)} MiB`;
}

function describe(print: Footprint): string {
  const { firstRequestMs, size } = print;
  const sizes = size === undefined
    ? ""
    : `\n  size ${megabytes(size.bytes)}, gzipped ${megabytes(size.gzippedBytes)}`;
  const first = firstRequestMs.length === 0
    ? ""
    : `\n  exec to first carried request: ${
      firstRequestMs[firstRequestMs.length >> 1]!.toFixed(0)
    } ms (median of ${firstRequestMs.length}; ${firstRequestMs[0]!.toFixed(0)} to ${
      firstRequestMs.at(-1)!.toFixed(0)
    })`;
  const used = print.usedKib === undefined
    ? ""
    : `; after ${requests} requests ${mebibytes(print.usedKib)}`;
  return `${print.name}${sizes}${first}
  RSS idle ${mebibytes(print.idleKib)} (own ${mebibytes(print.idleOwnKib)})${used}`;
}

if (import.meta.main) {
  if (Deno.args.some((argument) => argument.startsWith("-"))) {
    console.error(usage);
    Deno.exit(2);
  }
  const place = new Workplace();
  const origin = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("ok"),
  );
  try {
    const compiled = (file: string): Subject => ({
      file,
      command: [file],
      name: file,
      carries: true,
    });
    const empty = await compileEmpty(place.folder);
    const subjects: readonly Subject[] = [
      { ...compiled(empty), name: "an empty program with one empty worker", carries: false },
      ...(Deno.args.length > 0 ? Deno.args.map(compiled) : [compiled(`${root}dist/mesher`), {
        command: [Deno.execPath(), "run", "-A", v8Flags, `${root}main.ts`],
        name: "from source",
        carries: true,
      }]),
    ];
    for (const subject of subjects) {
      console.log(describe(await measure(place, subject, origin.addr.port)));
    }
  } finally {
    await place.close();
    await origin.shutdown();
  }
}
