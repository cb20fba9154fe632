/** The mixed traffic of a soak: what kinds of calls there are, how often each comes, and what each must end in. */
import { Connection } from "./connection.ts";

export interface Targets {
  readonly outbound: number;
  /** An HTTP program that is called by its address. */
  readonly direct: number;
  /** A program that returns the bytes it gets. */
  readonly echo: number;
}

/** What a call may use. A worker keeps one connection as long as it can be kept. */
export interface Worker {
  readonly targets: Targets;
  kept: Connection | undefined;
}

interface Kind {
  readonly name: string;
  /** Of all calls, in parts of the sum. */
  readonly weight: number;
  /** Errors: whatever must not happen. */
  run(worker: Worker): Promise<void>;
}

const mebibyte = new Uint8Array(2 ** 20).fill(97);
const chunks = `${"5\r\nhello\r\n".repeat(20)}0\r\n\r\n`;

function random(below: number): number {
  return Math.floor(Math.random() * below);
}

function head(method: string, path: string, host: string, ...fields: string[]): string {
  return `${[`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...fields].join("\r\n")}\r\n\r\n`;
}

/** Sends one request on the kept connection and reads its answer. */
async function call(
  worker: Worker,
  expected: number,
  ...parts: readonly (string | Uint8Array)[]
): Promise<void> {
  const connection = worker.kept ?? await Connection.open(worker.targets.outbound);
  worker.kept = undefined;
  try {
    for (const part of parts) await connection.send(part);
    const { status, last } = await connection.answer();
    if (status !== expected) throw new Error(`status ${status}`);
    if (!last) worker.kept = connection;
  } finally {
    if (worker.kept !== connection) connection.close();
  }
}

/** Something on a connection of its own, which is closed whatever happens. */
async function alone(worker: Worker, run: (own: Connection) => Promise<void>): Promise<void> {
  const own = await Connection.open(worker.targets.outbound);
  try {
    await run(own);
  } finally {
    own.close();
  }
}

async function switched(own: Connection, status: number): Promise<void> {
  const got = (await own.head()).slice(9, 12);
  if (got !== String(status)) throw new Error(`status ${got}`);
  for (let round = 0; round < 3; round++) {
    const text = `\x16 round ${round} ${"x".repeat(random(2000))}`;
    await own.send(text);
    if (await own.raw(text.length) !== text) throw new Error("other bytes came back");
  }
}

const upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];

export const kinds: readonly Kind[] = [
  { name: "GET", weight: 40, run: (worker) => call(worker, 200, head("GET", "/", "Steady")) },
  {
    name: "GET, random path",
    weight: 10,
    run: (worker) => call(worker, 200, head("GET", `/p/${random(1e9)}?q=${random(1e9)}`, "Steady")),
  },
  {
    name: "GET, endpoints that come and go",
    weight: 12,
    run: (worker) => call(worker, 200, head("GET", "/", "Churn")),
  },
  {
    name: "POST, one of two endpoints is dead",
    weight: 5,
    run: (worker) => call(worker, 200, head("POST", "/", "Half", "Content-Length: 5") + "hello"),
  },
  {
    name: "GET, slow",
    weight: 1,
    run: (worker) => call(worker, 200, head("GET", "/", "Slow")),
  },
  {
    name: "POST, small",
    weight: 10,
    run: (worker) =>
      call(worker, 200, head("POST", "/", "Steady", "Content-Length: 300"), "x".repeat(300)),
  },
  {
    name: "POST, 1 MiB",
    weight: 0.5,
    run: (worker) =>
      call(worker, 200, head("POST", "/", "Steady", `Content-Length: ${2 ** 20}`), mebibyte),
  },
  {
    name: "PUT, chunked",
    weight: 3,
    run: (worker) =>
      call(worker, 200, head("PUT", "/", "Steady", "Transfer-Encoding: chunked"), chunks),
  },
  {
    name: "GET, chunked answer",
    weight: 4,
    run: (worker) => call(worker, 200, head("GET", "/chunked", "Steady")),
  },
  {
    name: "GET, host outside",
    weight: 2,
    run: (worker) => call(worker, 200, head("GET", "/", `127.0.0.1:${worker.targets.direct}`)),
  },
  {
    name: "unknown service",
    weight: 2,
    run: (worker) => call(worker, 503, head("GET", "/", `Unknown${random(1e6)}`)),
  },
  {
    name: "malformed",
    weight: 0.5,
    run: (worker) => call(worker, 400, head("GET", "/", "Steady", "Content-Length: 1, 2")),
  },
  {
    name: "events to their end",
    weight: 0.5,
    run: (worker) =>
      alone(worker, async (own) => {
        await own.send(head("GET", "/events", "Steady"));
        if ((await own.answer()).status !== 200) throw new Error("no events");
      }),
  },
  {
    name: "events, left early",
    weight: 0.5,
    run: (worker) =>
      alone(worker, async (own) => {
        await own.send(head("GET", "/events", "Steady"));
        await own.head();
      }),
  },
  {
    name: "upgrade",
    weight: 1,
    run: (worker) =>
      alone(worker, async (own) => {
        await own.send(head("GET", "/ws", "Steady", ...upgrade));
        await switched(own, 101);
      }),
  },
  {
    name: "CONNECT",
    weight: 1,
    run: (worker) =>
      alone(worker, async (own) => {
        const to = `127.0.0.1:${worker.targets.echo}`;
        await own.send(head("CONNECT", to, to));
        await switched(own, 200);
      }),
  },
  {
    name: "client leaves before the answer",
    weight: 2,
    run: (worker) => alone(worker, (own) => own.send(head("GET", "/", "Slow"))),
  },
  {
    name: "client leaves within its body",
    weight: 2,
    run: (worker) =>
      alone(worker, async (own) => {
        await own.send(head("POST", "/", "Steady", "Content-Length: 100000"));
        await own.send(mebibyte.subarray(0, random(90_000)));
      }),
  },
  {
    name: "client leaves within its head",
    weight: 1,
    run: (worker) => alone(worker, (own) => own.send("GET / HTTP/1.1\r\nHost: Ste")),
  },
  {
    name: "client connects and leaves",
    weight: 1,
    run: (worker) => alone(worker, () => Promise.resolve()),
  },
];

const sum = kinds.reduce((total, { weight }) => total + weight, 0);

function drawn(): Kind {
  let at = Math.random() * sum;
  return kinds.find(({ weight }) => (at -= weight) < 0) ?? kinds[0]!;
}

export interface Tally {
  calls: number;
  /** Name of the kind to how often it came. */
  readonly byKind: Map<string, number>;
  /** Kind and reason to how often. */
  readonly errors: Map<string, number>;
}

/** Calls at a bounded rate until the time is up, then lets everything under way end. */
export async function runTraffic(
  targets: Targets,
  tally: Tally,
  { rate, untilMs, workers = 64 }: { rate: number; untilMs: number; workers?: number },
): Promise<void> {
  let dueMs = performance.now();
  const work = async (): Promise<void> => {
    const worker: Worker = { targets, kept: undefined };
    while (performance.now() < untilMs) {
      dueMs = Math.max(dueMs + 1000 / rate, performance.now() - 100);
      const waitMs = dueMs - performance.now();
      if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
      const kind = drawn();
      tally.calls++;
      add(tally.byKind, kind.name);
      try {
        await kind.run(worker);
      } catch (error) {
        add(tally.errors, `${kind.name}: ${error instanceof Error ? error.message : error}`);
      }
    }
    worker.kept?.close();
  };
  await Promise.all(Array.from({ length: workers }, work));
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
