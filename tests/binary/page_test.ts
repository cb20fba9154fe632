/** The compiled file carries the live page with it. */
import { assert, assertEquals } from "@test/assert";
import { startPrograms } from "../support/binary.ts";

const binary = new URL("../../dist/mesher", import.meta.url).pathname;

Deno.test("binary, serves the live page and every file that it asks for", async () => {
  await using programs = startPrograms(binary);
  const sidecar = await programs.start([], {
    env: {
      MESHER_REGISTRY: "http://127.0.0.1:1",
      MESHER_OUTBOUND: "127.0.0.1:0",
      MESHER_ADMIN: "127.0.0.1:0",
    },
    until: /mesher is up .*\badmin=(\S+)/,
  });
  const get = async (path: string) => {
    const answer = await fetch(`http://${sidecar.found}${path}`);
    assertEquals(answer.status, 200, path);
    return await answer.text();
  };
  const seen = new Set<string>();
  const follow = async (path: string, references: RegExp) => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const [, file] of (await get(path)).matchAll(references)) {
      await follow(`/page/${file}`, /from "\.\/([^"]+)"/g);
    }
  };
  await follow("/", /(?:src|href)="page\/([^"]+)"/g);
  assert(
    seen.has("/page/main.js") && seen.has("/page/base.css") && seen.size > 15,
    [...seen].join(),
  );
  assertEquals(JSON.parse(await get("/openapi.json")).openapi, "3.1.0");
});
