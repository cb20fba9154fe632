/** What of the application's ports is published. */
import { assertEquals } from "@test/assert";
import { endpointsOf } from "../../../lib/app/own_instance.ts";

const rows = [
  ["no port", [], []],
  ["the HTTP port as the sidecar's", [["rest", 8080]], ["rest://10.0.0.7:30103"]],
  [
    "a second HTTP port under its own name, at the sidecar too",
    [["rest", 8080], ["rest-admin", 9001]],
    ["rest://10.0.0.7:30103", "rest-admin://10.0.0.7:30103"],
  ],
  [
    "a port of a protocol that the sidecar does not carry as the application's own",
    [["rest", 8080], ["grpc", 9000], ["grpc-admin", 9001]],
    ["rest://10.0.0.7:30103", "grpc://10.0.0.7:9000", "grpc-admin://10.0.0.7:9001"],
  ],
] as const;

for (const [what, ports, expected] of rows) {
  Deno.test(`published endpoints, ${what}`, () => {
    const given = ports.map(([protocol, port]) => ({ protocol, port }));
    assertEquals(endpointsOf(given, { host: "10.0.0.7", port: 30103 }), expected);
  });
}

Deno.test("published endpoints, an IPv6 host is written in brackets", () => {
  assertEquals(endpointsOf([{ protocol: "rest", port: 1 }], { host: "fd00::7", port: 2 }), [
    "rest://[fd00::7]:2",
  ]);
});
