/** The lint plugin: which imports it lets pass, which it refuses, and in which words. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import plugin, { layers } from "../../../scripts/lint_layers.ts";

function lint(file: string, source: string): string[] {
  return Deno.lint.runPlugin(plugin, file, source).map((one) => `${one.id}: ${one.message}`);
}

const allowed: readonly (readonly [file: string, source: string])[] = [
  ["lib/core/a.ts", `import { b } from "./b.ts"; b();`],
  ["lib/plane/a.ts", `import { b } from "../core/b.ts"; b();`],
  ["lib/config/load.ts", `import { parse } from "@std/yaml"; parse("");`],
  ["lib/config/watch.ts", `import { b } from "./load.ts"; b(Deno.watchFs("."));`],
  ["lib/data/net/a.ts", `import { b } from "../../plane/b.ts"; b(Deno.connect);`],
  ["lib/data/net/native/a.ts", `import { b } from "../socket.ts"; b();`],
  ["lib/data/http1/a.ts", `import { b } from "../net/socket.ts"; b();`],
  [
    "lib/data/routing/a.ts",
    `import type { P } from "../../plane/policy.ts"; export const p: P = 1;`,
  ],
  [
    "lib/data/routing/a.ts",
    `import { type P } from "../../plane/policy.ts"; export const p: P = 1;`,
  ],
  ["lib/data/routing/a.ts", `import { R } from "hono/router/reg-exp-router"; new R();`],
  ["lib/data/cluster/a.ts", `import { b } from "../balance/b.ts"; b();`],
  ["lib/data/cluster/a.ts", `import { b } from "../net/pool.ts"; b();`],
  ["lib/data/proxy/a.ts", `import { b } from "../cluster/b.ts"; b();`],
  ["lib/data/thread.ts", `import { b } from "./proxy/b.ts"; b();`],
  ["lib/control/discovery/a.ts", `import { b } from "../registry/registry.ts"; b();`],
  ["lib/control/api/a.ts", `import type { B } from "../discovery/b.ts"; export const b: B = 1;`],
  ["lib/control/api/a.ts", `import { b } from "../telemetry/b.ts"; b();`],
  ["lib/control/health/a.ts", `import { b } from "../../core/b.ts"; b();`],
  ["lib/platform/a.ts", `import { lookup } from "node:dns/promises"; lookup("x");`],
  ["lib/app/sidecar.ts", `import { b } from "./data/proxy/b.ts"; b();`],
  ["lib/cli/run.ts", `import { b } from "../platform/b.ts"; b();`],
  ["main.ts", `import { b } from "./lib/cli/run.ts"; b(Deno.args);`],
  ["tests/unit/a_test.ts", `import { b } from "../../lib/data/proxy/b.ts"; b(Deno.args);`],
  ["scripts/a.ts", `export default 1;`],
];

for (const [file, source] of allowed) {
  Deno.test(`lint plugin, lets pass in ${file}: ${source}`, () => {
    assertEquals(lint(file, source), []);
  });
}

const refused: readonly (readonly [file: string, source: string, message: RegExp])[] = [
  [
    "lib/core/a.ts",
    `import { b } from "../plane/b.ts"; b();`,
    /^mesher\/layers: core must not import lib\/plane\/b\.ts \(plane\); it may import nothing but its own folder$/,
  ],
  [
    "lib/control/health/a.ts",
    `import { b } from "../../platform/b.ts"; b();`,
    /control\/health must not import lib\/platform\/b\.ts \(platform\); it may import core, plane$/,
  ],
  ["lib/control/health/a.ts", `import { b } from "../registry/b.ts"; b();`, /control\/registry/],
  ["lib/control/health/a.ts", `import { b } from "../../data/net/b.ts"; b();`, /data\/net/],
  ["lib/data/net/a.ts", `import { b } from "../http1/b.ts"; b();`, /data\/net must not import/],
  [
    "lib/data/http1/a.ts",
    `import { b } from "../cluster/b.ts"; b();`,
    /may import data\/net, core/,
  ],
  ["lib/data/proxy/a.ts", `import { b } from "../../control/health/b.ts"; b();`, /data must not/],
  [
    "lib/data/balance/a.ts",
    `import { b } from "../../plane/b.ts"; b();`,
    /may import only types from lib\/plane\/b\.ts; write "import type"/,
  ],
  [
    "lib/data/balance/a.ts",
    `import { type A, b } from "../../plane/b.ts"; b(1 as A);`,
    /may import only types/,
  ],
  ["lib/control/api/a.ts", `import { b } from "../discovery/b.ts"; b();`, /only types/],
  ["lib/plane/a.ts", `export { b } from "../data/b.ts"; export const c = 1;`, /plane must not/],
  ["lib/plane/a.ts", `export const c = await import("../app.ts");`, /must not import lib\/app\.ts/],
  ["lib/plane/a.ts", `export type C = import("../app.ts").App;`, /must not import lib\/app\.ts/],
  ["lib/platform/a.ts", `import { b } from "../config/b.ts"; b();`, /platform must not import/],
  ["lib/core/a.ts", `import { b } from "../../tests/support/b.ts"; b();`, /tests\/support\/b\.ts;/],
  ["lib/core/a.ts", `import { b } from "../../../../b.ts"; b();`, /must not import/],
  [
    "lib/app/sidecar.ts",
    `import { assert } from "@test/assert"; assert(1);`,
    /package "@test\/assert"/,
  ],
  ["lib/core/a.ts", `import { z } from "zod"; z();`, /package "zod"; it may import no package/],
  ["lib/control/health/a.ts", `import { parse } from "@std/yaml"; parse();`, /"@std\/yaml"/],
  ["lib/data/proxy/a.ts", `import { Hono } from "hono"; new Hono();`, /package "hono"/],
  ["lib/core/a.ts", `import net from "node:net"; net();`, /package "node:net"/],
  ["lib/elsewhere/a.ts", `import { b } from "../core/b.ts"; b();`, /belongs to no layer/],
  ["lib/control/health/a.ts", `export const b = Deno.env;`, /deno-global: .*must not use the Deno/],
  ["lib/cli/a.ts", `export const b = Deno.exit;`, /platform, main\.ts/],
  ["lib/core/a.ts", `export * from "./b.ts";`, /no-barrel/],
  ["lib/core/a.ts", `export { b } from "./b.ts";`, /no-barrel/],
  ["lib/core/a.ts", `import { b } from "./b.ts"; export { b };`, /no-barrel/],
  ["lib/core/a.ts", `export default 1;`, /no default export/],
  ["lib/core/a.ts", `export const a: any = 1;`, /no any/],
  ["lib/core/a.ts", `export enum A { B }`, /no enum/],
  ["lib/core/a.ts", `export namespace A { export const b = 1; }`, /no namespace/],
];

for (const [file, source, message] of refused) {
  Deno.test(`lint plugin, refuses in ${file}: ${source}`, () => {
    const found = lint(file, source);
    assertEquals(found.length, 1, found.join("\n"));
    assertMatch(found[0]!, message);
  });
}

Deno.test("lint plugin, a file that re-exports beside own things is no barrel", () => {
  assertEquals(lint("lib/core/a.ts", `export { b } from "./b.ts"; export const c = 1;`), []);
});

Deno.test("layer table, narrower paths come before the wider ones that contain them", () => {
  layers.forEach((layer, index) => {
    const wider = layers.slice(0, index).find((earlier) => layer.path.startsWith(earlier.path));
    assert(wider === undefined, `${layer.path} is hidden behind ${wider?.path}`);
  });
});

Deno.test("lint plugin, an absolute file name of the repository counts like a relative one", () => {
  const file = new URL("../../../lib/core/a.ts", import.meta.url).pathname;
  assertMatch(lint(file, `import { b } from "../plane/b.ts"; b();`)[0]!, /core must not import/);
});
