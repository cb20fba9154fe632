/** The default state folder on every platform. */
import { assertEquals } from "@test/assert";
import { defaultStateDir } from "../../../lib/platform/state_dir.ts";

const table: readonly (readonly [
  title: string,
  os: typeof Deno.build.os,
  env: Record<string, string>,
  folder: string | undefined,
])[] = [
  ["Linux with a home", "linux", { HOME: "/home/a" }, "/home/a/.cache/mesher"],
  ["Linux with a cache folder", "linux", { HOME: "/home/a", XDG_CACHE_HOME: "/c" }, "/c/mesher"],
  [
    "a relative cache folder is ignored",
    "linux",
    { HOME: "/h", XDG_CACHE_HOME: "c" },
    "/h/.cache/mesher",
  ],
  ["Linux without anything", "linux", {}, undefined],
  ["macOS", "darwin", { HOME: "/Users/a", XDG_CACHE_HOME: "/c" }, "/Users/a/Library/Caches/mesher"],
  ["macOS without a home", "darwin", {}, undefined],
  ["Windows", "windows", { LOCALAPPDATA: "C:\\a" }, "C:\\a\\mesher"],
  ["Windows without a local folder", "windows", { HOME: "/home/a" }, undefined],
];

for (const [title, os, env, folder] of table) {
  Deno.test(`state folder, ${title}`, () => {
    assertEquals(defaultStateDir((name) => env[name], os), folder);
  });
}
