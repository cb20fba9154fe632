import { assert, assertEquals } from "@test/assert";
import { formatProblem } from "../../../lib/config/problem.ts";
import { load, problemLines } from "./support.ts";

const token = { MESHER_ADMIN_TOKEN: "sesame-open" };
const app = { MESHER_SERVICE: "A", MESHER_PORTS: "8080" };

const contradictions: readonly (readonly [Record<string, string>, string])[] = [
  [
    { MESHER_SERVICE: "A" },
    "ports: must be set because service is, or no call could reach the app; set for example MESHER_PORTS=rest:8080",
  ],
  [
    { MESHER_REGISTRY_ACCOUNT: "m" },
    "registry_password: must be set because registry_account is; set both or neither",
  ],
  [
    { MESHER_REGISTRY_PASSWORD: "sesame-shut" },
    "registry_account: must be set because registry_password is; set both or neither",
  ],
  [
    { MESHER_REGISTRY_PASSWORD_FILE: "/run/secrets/p" },
    "registry_account: must be set because registry_password_file is; set both or neither",
  ],
  [
    { MESHER_REGISTRY_CERT: "/a.pem" },
    "registry_key: must be set because registry_cert is; set both or neither",
  ],
  [
    { MESHER_REGISTRY_KEY: "/a.pem" },
    "registry_cert: must be set because registry_key is; set both or neither",
  ],
  [
    { MESHER_ADMIN: "0.0.0.0:30102" },
    "admin: can be reached from other hosts, so admin_token must be set; set MESHER_ADMIN_TOKEN or listen on 127.0.0.1 (from MESHER_ADMIN)",
  ],
  [
    { MESHER_OUTBOUND: "10.0.0.7:30101" },
    "outbound: can be reached from other hosts, so admin_token must be set; set MESHER_ADMIN_TOKEN or listen on 127.0.0.1 (from MESHER_OUTBOUND)",
  ],
  [
    { MESHER_ADMIN: "127.0.0.1:30101" },
    "admin: is the address of outbound too; give them two ports (from MESHER_ADMIN)",
  ],
  [
    { ...app, MESHER_INBOUND: "0.0.0.0:30102" },
    "inbound: is the address of admin too; give them two ports (from MESHER_INBOUND)",
  ],
  [
    { MESHER_OUTBOUND: "unix:/a", MESHER_ADMIN: "unix:/a" },
    "admin: is the address of outbound too; give them two ports (from MESHER_ADMIN)",
  ],
  [
    { MESHER_REGISTRY_LISTEN: "127.0.0.1:30101" },
    "outbound: is the address of registry_listen too; give them two ports",
  ],
  [
    { ...app, MESHER_PORTS: "rest:8080,grpc:30103" },
    "ports: names grpc:30103, which is the sidecar's own inbound listener (from MESHER_PORTS)",
  ],
  [
    { MESHER_RETRY_BASE_DELAY: "1s" },
    "retry.base_delay: is longer than retry.max_delay (from MESHER_RETRY_BASE_DELAY)",
  ],
];

for (const [env, line] of contradictions) {
  Deno.test(`the rules refuse ${JSON.stringify(env)}`, async () => {
    assertEquals(await problemLines({ env }), [line]);
  });
}

const fine: readonly Record<string, string>[] = [
  app,
  { ...token, MESHER_ADMIN: "0.0.0.0:30102", MESHER_OUTBOUND: "0.0.0.0:30101" },
  { MESHER_ADMIN: "[::1]:1", MESHER_OUTBOUND: "unix:/run/m.sock" },
  { MESHER_ADMIN: "127.0.0.1:0", MESHER_OUTBOUND: "127.0.0.1:0" },
  // Without a service there is no inbound listener, with an outside registry no own one.
  { MESHER_INBOUND: "0.0.0.0:30101" },
  { MESHER_REGISTRY: "http://sc:30100", MESHER_OUTBOUND: "127.0.0.1:30100" },
  { MESHER_ADMIN: "127.0.0.2:30101" },
];

for (const env of fine) {
  Deno.test(`the rules accept ${JSON.stringify(env)}`, async () => {
    assertEquals(await problemLines({ env }), []);
  });
}

Deno.test("settings that have no effect or a surprising one are warnings, not errors", async () => {
  const result = await load({
    env: {
      ...token,
      MESHER_PORTS: "8080",
      MESHER_ADVERTISE: "10.0.0.7",
      MESHER_SCHEMAS: "/a",
      MESHER_REGISTRY_ACCOUNT: "m",
      MESHER_REGISTRY_PASSWORD: "sesame-shut",
      MESHER_REGISTRY_PASSWORD_FILE: "/b",
      MESHER_OTHER_APPS: "shop,default",
      MESHER_OUTBOUND: "0.0.0.0:30101",
    },
    file: "properties: {a: b}",
  });
  assert.ok(result.ok);
  assertEquals(result.warnings.map(formatProblem), [
    "ports: has no effect because service is not set: nothing is registered (from MESHER_PORTS)",
    "advertise: has no effect because service is not set: nothing is registered (from MESHER_ADVERTISE)",
    "properties: has no effect because service is not set: nothing is registered (from mesher.yaml line 1)",
    "schemas: has no effect because service is not set: nothing is registered (from MESHER_SCHEMAS)",
    "outbound: can be reached from other hosts: whoever reaches it sends requests as this app (from MESHER_OUTBOUND)",
    "registry_password: has no effect because registry_password_file is set; keep one of the two (from MESHER_REGISTRY_PASSWORD)",
    "other_apps: names the own application default, whose services are called without it (from MESHER_OTHER_APPS)",
  ]);
});
