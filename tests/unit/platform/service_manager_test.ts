/** What is told to a service manager, and when nothing is. */
import { assertEquals } from "@test/assert";
import type { Posix } from "../../../lib/platform/posix.ts";
import { tellServiceManager } from "../../../lib/platform/service_manager.ts";

const table = [
  ["without the variable nothing is sent", {}, true, "nobody_asked", []],
  ["an empty variable is none", { NOTIFY_SOCKET: "" }, true, "nobody_asked", []],
  [
    "a socket of another kind is left alone",
    { NOTIFY_SOCKET: "vsock:2:1" },
    true,
    "nobody_asked",
    [],
  ],
  ["a path gets it", { NOTIFY_SOCKET: "/run/n" }, true, "told", ["/run/n READY=1"]],
  ["an abstract name gets it", { NOTIFY_SOCKET: "@n" }, true, "told", ["@n READY=1"]],
  ["one that does not listen is a failure", { NOTIFY_SOCKET: "/n" }, false, "failed", [
    "/n READY=1",
  ]],
] as const;

for (const [title, env, goes, told, sent] of table) {
  Deno.test(`service manager, ${title}`, () => {
    const seen: string[] = [];
    const posix: Posix = {
      sendDatagram(path, text) {
        seen.push(`${path} ${text}`);
        return goes;
      },
      reapOrphans: () => 0,
    };
    assertEquals(tellServiceManager("READY=1", { env, posix }), told);
    assertEquals(seen, [...sent]);
  });
}

Deno.test("service manager, where the C library cannot be called it is a failure", () => {
  const env = { NOTIFY_SOCKET: "/run/n" };
  assertEquals(tellServiceManager("STOPPING=1", { env, posix: undefined }), "failed");
});
