import { assert, assertEquals } from "@test/assert";
import { watchConfig } from "../../../lib/config/watch.ts";
import { loadConfig, type LoadResult } from "../../../lib/config/load.ts";

/** Outcome of one reading: a text, no file, or an error. */
type Reading = string | undefined | Error;

interface Seen {
  readonly results: readonly LoadResult[];
  readonly reloads: readonly string[];
  readonly sleepsMs: readonly number[];
}

/** Lets the watcher make these readings, then ends it. */
async function watch(first: string, readings: readonly Reading[]): Promise<Seen> {
  const results: LoadResult[] = [];
  const reloads: string[] = [];
  const sleepsMs: number[] = [];
  const ended = new AbortController();
  const left = [...readings];
  await watchConfig({
    file: { path: "mesher.yaml", text: first },
    clock: {
      sleep: (ms) => {
        sleepsMs.push(ms);
        if (left.length === 0) ended.abort();
        return Promise.resolve();
      },
    },
    readFile: () => {
      const reading = left.shift();
      return reading instanceof Error ? Promise.reject(reading) : Promise.resolve(reading);
    },
    reload: (text) => {
      reloads.push(text);
      const readFile = () => Promise.resolve(text);
      return loadConfig({ flags: {}, env: {}, readFile, path: "mesher.yaml" });
    },
    changed: (result) => results.push(result),
    signal: ended.signal,
  });
  return { results, reloads, sleepsMs };
}

const a = "log: info";
const b = "log: debug";
const gone = new Error("no such file");

const stories: readonly (readonly [title: string, readings: Reading[], reloads: string[]])[] = [
  ["is left alone while its text stays", [a, a, a], []],
  ["is loaded once when its text changes", [a, b, b, b, b], [b]],
  ["is loaded at the first look when it changed before the watch began", [b, b], [b]],
  ["is not believed while it is being written", [a, "", b, b, b], [b]],
  ["is not believed when the change is taken back at once", [a, b, a, a], []],
  ["may be away for a moment while an editor renames", [a, undefined, gone, b, b], [b]],
  ["may vanish in the middle of a change", [b, undefined, a, a], []],
  ["is loaded again when it goes back", [b, b, a, a], [b, a]],
];

for (const [title, readings, reloads] of stories) {
  Deno.test(`the watched file ${title}`, async () => {
    const seen = await watch(a, readings);
    assertEquals(seen.reloads, reloads);
    assertEquals(seen.results.length, reloads.length);
  });
}

Deno.test("the watched file is looked at every second, and a change again after 100 ms", async () => {
  assertEquals((await watch(a, [a, b, b, b])).sleepsMs, [1000, 1000, 100, 1000, 1000]);
});

Deno.test("a bad text is reported once, and the mended one brings a good result", async () => {
  const { results } = await watch(a, ["log: loud", "log: loud", "log: loud", b, b]);
  assertEquals(results.map(({ ok }) => ok), [false, true]);
});

Deno.test("a file that stays away is reported once, and its return too", async () => {
  const away = Array.from({ length: 6 }, () => undefined);
  const { results } = await watch(a, [...away, a, a]);
  assertEquals(results.map(({ ok }) => ok), [false, true]);
  const [first] = results;
  assert.ok(first !== undefined && !first.ok);
  assert.match(first.problems[0]!.expectation, /last configuration stays/);
});
