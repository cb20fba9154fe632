/** The list of a `file:` registry: what it may say and how its defects are named. */
import { assert, assertEquals, assertMatch, rejection } from "@test/assert";
import { parse } from "@std/yaml";
import {
  FileFormatError,
  readFileServices,
} from "../../../../lib/control/registry/file_records.ts";

Deno.test("registry file, plain endpoint strings and full mappings", () => {
  const services = readFileServices(parse(`
- service: AccountService
  version: 1.0.0
  instances:
    - rest://10.0.0.7:8080
    - id: second
      endpoints: ["rest://[fd00::7]:8443?sslEnabled=true", "grpc://10.0.0.8:9090"]
      version: 1.1.0
      status: TESTING
      properties: { stage: canary, weight: 5, blue: true }
      region: r1
      zone: a
- service: Empty
  app: shop
  environment: testing
  instances: []
`));
  assertEquals(services, [
    {
      service: "AccountService",
      instances: [
        {
          instanceId: "10.0.0.7:8080",
          serviceId: "AccountService",
          serviceName: "AccountService",
          version: "1.0.0",
          status: "UP",
          endpoints: [{ protocol: "rest", host: "10.0.0.7", port: 8080, secure: false }],
          properties: {},
        },
        {
          instanceId: "second",
          serviceId: "AccountService",
          serviceName: "AccountService",
          version: "1.1.0",
          status: "TESTING",
          endpoints: [
            { protocol: "rest", host: "fd00::7", port: 8443, secure: true },
            { protocol: "grpc", host: "10.0.0.8", port: 9090, secure: false },
          ],
          properties: { stage: "canary", weight: "5", blue: "true" },
          region: "r1",
          zone: "a",
        },
      ],
    },
    { service: "Empty", app: "shop", environment: "testing", instances: [] },
  ]);
});

Deno.test("registry file, an empty file lists no services", () => {
  assertEquals(readFileServices(parse("")), []);
});

for (
  const [text, message] of [
    ["hello", /^the file: is "hello": expected a list$/],
    ["a: 1", /^the file: is a mapping: expected a list$/],
    ["- 7", /^\[0\]: is 7: expected a mapping$/],
    ["- instances: []", /^\[0\]\.service: nothing found: expected a text$/],
    ["- {service: a b, instances: []}", /^\[0\]\.service: "a b" is no service name/],
    ["- {service: a}", /^\[0\]\.instances: is missing: expected a list$/],
    ["- {service: a, instance: []}", /^\[0\]\.instance: is no known key: expected one of service/],
    [
      "- {service: a, instances: [10.0.0.7]}",
      /\[0\]\.instances\[0\]: "10\.0\.0\.7" is no endpoint/,
    ],
    [
      "- {service: a, instances: ['rest://h:0']}",
      /expected one such as "rest:\/\/10\.0\.0\.7:8080"/,
    ],
    ["- {service: a, instances: [{}]}", /\[0\]\.instances\[0\]\.endpoints: is missing/],
    ["- {service: a, instances: [{endpoints: []}]}", /\.endpoints: is empty/],
    [
      "- {service: a, instances: [{endpoint: 'rest://h:1', endpoints: []}]}",
      /endpoint and endpoints exclude each other/,
    ],
    [
      "- {service: a, instances: [{endpoint: 'rest://h:1', status: up}]}",
      /\.status: "up" is no status: expected one of UP, DOWN/,
    ],
    ["- {service: a, version: 1.10, instances: []}", /\.version: 1\.1 is a number to YAML.*quotes/],
    ["- {service: a, version: x, instances: []}", /\.version: "x" is no version/],
    [
      "- {service: a, instances: [{endpoint: 'rest://h:1', properties: {a: [1]}}]}",
      /\.properties\.a: \[1\] is no text/,
    ],
    [
      "- {service: a, instances: ['rest://h:1', 'rest://h:1']}",
      /^\[0\]: instance "h:1" is also in \[0\]$/,
    ],
  ] as const
) {
  Deno.test(`registry file, the defect of ${JSON.stringify(text)} is named with its place`, async () => {
    const error = await rejection(Promise.resolve().then(() => readFileServices(parse(text))));
    assert(error instanceof FileFormatError);
    assertMatch(error.message, message);
  });
}
