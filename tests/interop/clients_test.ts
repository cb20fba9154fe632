/** Clients of many languages, unchanged, call AccountService by its name with no more than http_proxy. */
import { assert, assertEquals } from "@test/assert";
import type { Lab } from "../support/process.ts";
import { metric } from "../support/process_mesher.ts";
import { digestOf } from "../support/process_origin.ts";
import { type Pair, startOrigin, startPair } from "../support/process_pair.ts";
import { say } from "../support/process_story.ts";
import { npmPackages, pythonPackages, toolStory } from "../support/process_tools.ts";

const bytes = 64 << 20;
const again = 10;
const digest = digestOf(bytes);
const clients = new URL("./clients/", import.meta.url).pathname;

interface Client {
  readonly title: string;
  /** Programs that have to be in PATH. */
  readonly needs: readonly string[];
  /** Most connections it may open to the proxy; Infinity where it does not keep any. */
  readonly connections: number;
  /** Makes ready what it needs. Shape: its command line and variables. */
  prepare(lab: Lab): Promise<{
    readonly command: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
  }>;
}

/** Three calls of one curl are one process and one connection; the download goes through a pipe. */
const curlScript = `set -eo pipefail
got=$(curl -sSf "$BASE/hello")
posted=$(curl -sSf -d posted "$BASE/echo" | sed 's/.*"body":"\\([^"]*\\)".*/\\1/')
sum=$(curl -sSf "$BASE/bytes?n=$BYTES" | sha256sum)
urls=()
for i in $(seq "$AGAIN"); do urls+=("$BASE/hello"); done
curl -sSf "\${urls[@]}" >/dev/null
echo "{\\"get\\":\\"$got\\",\\"post\\":\\"$posted\\",\\"sha256\\":\\"\${sum%% *}\\"}"`;

const wgetScript = `set -eo pipefail
got=$(wget -q -O - "$BASE/hello")
posted=$(wget -q -O - --post-data posted "$BASE/echo" | sed 's/.*"body":"\\([^"]*\\)".*/\\1/')
sum=$(wget -q -O - "$BASE/bytes?n=$BYTES" | sha256sum)
urls=()
for i in $(seq "$AGAIN"); do urls+=("$BASE/hello"); done
wget -q -O /dev/null "\${urls[@]}"
echo "{\\"get\\":\\"$got\\",\\"post\\":\\"$posted\\",\\"sha256\\":\\"\${sum%% *}\\"}"`;

/** Node takes the ending .mjs only; here it is kept from the formatter and the type checker. */
async function module(name: string, folder: string): Promise<string> {
  await Deno.copyFile(`${clients}${name}.mjs.txt`, `${folder}/${name}.mjs`);
  return `${folder}/${name}.mjs`;
}

function undici(title: string, way: string): Client {
  return {
    title,
    needs: ["node", "npm"],
    connections: 2,
    async prepare(lab) {
      const folder = await npmPackages(lab, "undici@7");
      return { command: ["node", await module("undici", folder), way] };
    },
  };
}

function java(title: string, ...args: readonly string[]): Client {
  return {
    title,
    needs: ["java"],
    connections: 2,
    prepare: () =>
      Promise.resolve({ command: ["java", "-Xmx128m", `${clients}Client.java`, ...args] }),
  };
}

const table: readonly Client[] = [
  {
    title: "curl",
    needs: ["bash", "curl"],
    connections: 4,
    prepare: () => Promise.resolve({ command: ["bash", "-c", curlScript] }),
  },
  {
    title: "wget",
    needs: ["bash", "wget"],
    connections: 4,
    prepare: () => Promise.resolve({ command: ["bash", "-c", wgetScript] }),
  },
  {
    title: "Python urllib",
    needs: ["python3"],
    connections: Infinity,
    prepare: () => Promise.resolve({ command: ["python3", `${clients}urllib.py`] }),
  },
  {
    title: "Python requests",
    needs: ["python3"],
    connections: 1,
    async prepare(lab) {
      const folder = await pythonPackages(lab, "requests");
      return {
        command: ["python3", `${clients}requests_client.py`],
        env: { PYTHONPATH: folder },
      };
    },
  },
  {
    title: "Go net/http",
    needs: ["go"],
    connections: 1,
    async prepare(lab) {
      const folder = `${lab.folder}/go`;
      await Deno.mkdir(folder);
      await Deno.copyFile(`${clients}client.go.txt`, `${folder}/main.go`);
      await Deno.writeTextFile(`${folder}/go.mod`, "module client\n\ngo 1.20\n");
      const built = await lab.run(["go", "build", "-o", "client", "."], {
        cwd: folder,
        timeoutMs: 120_000,
      });
      assertEquals(built.code, 0, built.stderr);
      return { command: [`${folder}/client`] };
    },
  },
  java("Java HttpClient, HTTP/1.1", "1.1"),
  java("Java HttpClient, asking for HTTP/2"),
  undici("Node undici with EnvHttpProxyAgent", "env"),
  undici("Node undici with ProxyAgent", "told"),
  {
    title: "Node http inside CONNECT",
    needs: ["node"],
    connections: 1,
    prepare: async (lab) => ({ command: ["node", await module("node_connect", lab.folder)] }),
  },
  {
    title: "Deno fetch",
    needs: [],
    connections: 2,
    prepare: () =>
      Promise.resolve({
        command: [Deno.execPath(), "run", "-A", "--quiet", `${clients}deno_fetch.ts`],
      }),
  },
];

async function accepted({ consumer }: Pair): Promise<number> {
  return await metric(consumer, "mesher_client_connections_total") ?? NaN;
}

for (const { title, needs, connections, prepare } of table) {
  toolStory(`client, ${title}: GET, POST, 64 MiB and keep-alive`, needs, async (lab) => {
    const { command, env } = await prepare(lab);
    const pair = await startPair(lab, await startOrigin(lab));
    const before = await accepted(pair);
    const beganMs = performance.now();
    const { code, stdout, stderr } = await lab.run(command, {
      env: {
        ...pair.env,
        ...env,
        BASE: "http://AccountService",
        BYTES: String(bytes),
        AGAIN: String(again),
      },
      timeoutMs: 60_000,
    });
    const seconds = ((performance.now() - beganMs) / 1000).toFixed(1);
    assertEquals(code, 0, `${stdout}\n${stderr}`);
    assertEquals(JSON.parse(stdout), { get: "hello", post: "posted", sha256: digest });
    const used = await accepted(pair) - before;
    assert(
      used <= connections,
      `${used} connections to the proxy, expected ${connections} at most`,
    );
    const requests = await metric(
      pair.consumer,
      'mesher_requests_total{direction="outbound",service="AccountService",status="2xx"}',
    );
    // A client that keeps nothing is asked for three answers only; a CONNECT is an answer too.
    assert(requests! >= (connections === Infinity ? 3 : 3 + again), `${requests} answers`);
    say(`${seconds} s, ${requests} answers on ${used} connections`);
  });
}
