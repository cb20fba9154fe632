/** curl moves a GiB through two sidecars in either direction: nothing is lost, nothing piles up. */
import { assert, assertEquals } from "@test/assert";
import type { Lab } from "../support/process.ts";
import { type Pair, startOrigin, startPair } from "../support/process_pair.ts";
import { digestOf } from "../support/process_origin.ts";
import { residentBytes } from "../support/process_tree.ts";
import { processStory, say } from "../support/process_story.ts";

const gib = 1 << 30;
const warmUp = 1 << 26;
const mostGrowth = 16 << 20;
const limitMs = 120_000;

const url = "http://AccountService";
/** Of both sizes, made once. */
const expected = new Map<number, string>();

function expectedDigest(bytes: number): string {
  let digest = expected.get(bytes);
  if (digest === undefined) expected.set(bytes, digest = digestOf(bytes));
  return digest;
}

const generator = new URL("../support/process_origin.ts", import.meta.url).pathname;

/** Watches the memory of both sidecars while something runs. Shape: the largest growth of one. */
async function growth(pair: Pair, work: () => Promise<void>): Promise<number> {
  const pids = [pair.consumer.process.pid, pair.provider.process.pid];
  const before = pids.map(residentBytes);
  let most = 0;
  const look = () =>
    pids.forEach((pid, index) => {
      most = Math.max(most, residentBytes(pid) - before[index]!);
    });
  const timer = setInterval(look, 50);
  try {
    await work();
    look();
  } finally {
    clearInterval(timer);
  }
  return most;
}

/** Each runs curl for so many bytes and gives the digest of what arrived at the other end. */
const transfers: Readonly<
  Record<string, (lab: Lab, pair: Pair, bytes: number) => Promise<string>>
> = {
  "a download with a length": (lab, pair, bytes) => download(lab, pair, `/bytes?n=${bytes}`),
  "a chunked download": (lab, pair, bytes) => download(lab, pair, `/bytes?n=${bytes}&chunked`),
  "an upload with a length": (lab, pair, bytes) =>
    upload(lab, pair, { bytes, curl: `-H 'Transfer-Encoding:' -H 'Content-Length: ${bytes}'` }),
  "a chunked upload": (lab, pair, bytes) => upload(lab, pair, { bytes, curl: "" }),
};

async function download(lab: Lab, pair: Pair, path: string): Promise<string> {
  const { code, stdout, stderr } = await lab.run(
    ["bash", "-c", `set -o pipefail; curl -sSf '${url}${path}' | sha256sum`],
    { env: pair.env, timeoutMs: limitMs },
  );
  assertEquals(code, 0, stderr);
  return stdout.split(" ")[0]!;
}

async function upload(
  lab: Lab,
  pair: Pair,
  { bytes, curl }: { readonly bytes: number; readonly curl: string },
): Promise<string> {
  const make = `'${Deno.execPath()}' run -A --quiet '${generator}' generate ${bytes}`;
  const { code, stdout, stderr } = await lab.run(
    ["bash", "-c", `set -o pipefail; ${make} | curl -sSf -T - ${curl} '${url}/digest'`],
    { env: pair.env, timeoutMs: limitMs },
  );
  assertEquals(code, 0, stderr);
  const seen = JSON.parse(stdout) as { method: string; bytes: number; sha256: string };
  assertEquals([seen.method, seen.bytes], ["PUT", bytes]);
  return seen.sha256;
}

for (const [title, transfer] of Object.entries(transfers)) {
  processStory(`curl, ${title} of 1 GiB arrives whole and costs no memory`, async (lab) => {
    const pair = await startPair(lab, await startOrigin(lab));
    assertEquals(await transfer(lab, pair, warmUp), expectedDigest(warmUp));
    const beganMs = performance.now();
    let digest = "";
    const most = await growth(pair, async () => {
      digest = await transfer(lab, pair, gib);
    });
    const seconds = (performance.now() - beganMs) / 1000;
    assertEquals(digest, expectedDigest(gib));
    say(
      `${seconds.toFixed(1)} s, ${Math.round(1024 / seconds)} MiB/s with both digests, ` +
        `memory grew by ${(most / (1 << 20)).toFixed(1)} MiB at most`,
    );
    assert(most < mostGrowth, `the memory of a sidecar grew by ${most} bytes`);
  });
}
