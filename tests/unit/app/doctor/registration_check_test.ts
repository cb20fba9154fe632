/** The doctor's look at the own registration. */
import { assertEquals, assertMatch } from "@test/assert";
import {
  judgeRegistration,
  type RegistrationFacts,
} from "../../../../lib/app/doctor/registration_check.ts";
import type { Instance } from "../../../../lib/core/types.ts";

const own: Instance = {
  instanceId: "i1",
  serviceId: "s1",
  app: "default",
  serviceName: "Cart",
  version: "1.0.0",
  status: "UP",
  endpoints: [{ protocol: "rest", host: "10.0.0.7", port: 30103, secure: false }],
  properties: {},
};
const registered = {
  state: "registered",
  status: "UP",
  lease: { serviceId: "s1", instanceId: "i1" },
} as const;

const well: RegistrationFacts = {
  service: "Cart",
  where: "application default",
  state: registered,
  appDown: undefined,
  draining: false,
  advertised: { host: "10.0.0.7", port: 30103 },
  answers: true,
  remoteRegistry: true,
  seen: { kind: "set", instances: [own] },
};

for (
  const [name, parts, level, words] of [
    ["all is well", {}, "ok", /^consumers find Cart at 10\.0\.0\.7:30103, status UP$/],
    ["a consumer", { service: undefined }, "skipped", /registers nothing/],
    ["a file as registry", { state: undefined }, "note", /takes no registrations/],
    ["a drain", { draining: true }, "note", /drains/],
    [
      "the application never came up",
      { state: { state: "waiting" }, appDown: "tcp 127.0.0.1:1: refused" },
      "problem",
      /not passed its checks yet \(tcp 127\.0\.0\.1:1: refused\)$/,
    ],
    [
      "the registry refuses",
      { state: { state: "registering", lastError: "no room" } },
      "problem",
      /could not be registered so far: no room/,
    ],
    ["the lease was lost", { state: { state: "lost" } }, "problem", /has lost Cart/],
    ["a silent registry", { seen: { kind: "silent", why: "down" } }, "skipped", /: down$/],
    ["an unknown service", { seen: { kind: "unknown" } }, "problem", /do not find Cart in applic/],
    [
      "only others are listed",
      { seen: { kind: "set", instances: [{ ...own, instanceId: "i2" }] } },
      "problem",
      /get 1 instance of Cart, but not this one/,
    ],
    [
      "it is listed as down, as it was told",
      {
        state: { ...registered, status: "DOWN" },
        appDown: "refused",
        seen: { kind: "set", instances: [{ ...own, status: "DOWN" }] },
      },
      "problem",
      /see Cart as DOWN, because its application is down \(refused\)/,
    ],
    [
      "another address is listed",
      {
        seen: {
          kind: "set",
          instances: [{
            ...own,
            endpoints: [{ protocol: "rest", host: "10.0.0.8", port: 1, secure: false }],
          }],
        },
      },
      "warning",
      /told to call 10\.0\.0\.8:1, but this sidecar is at 10\.0\.0\.7:30103/,
    ],
    [
      "loopback is advertised to other hosts",
      {
        advertised: { host: "127.0.0.1", port: 30103 },
        seen: {
          kind: "set",
          instances: [{
            ...own,
            endpoints: [{ protocol: "rest", host: "127.0.0.1", port: 30103, secure: false }],
          }],
        },
      },
      "problem",
      /leads every other host to itself/,
    ],
    ["nothing answers where others call", { answers: false }, "warning", /nothing answers here at/],
  ] satisfies readonly (readonly [string, Partial<RegistrationFacts>, string, RegExp])[]
) {
  Deno.test(`doctor, registration: ${name}`, () => {
    const found = judgeRegistration({ ...well, ...parts });
    assertEquals(found.map((one) => one.level), [level]);
    assertMatch(found[0]!.says, words);
  });
}

Deno.test("doctor, registration: a status that somebody else has set is told apart", () => {
  const [found] = judgeRegistration({
    ...well,
    seen: { kind: "set", instances: [{ ...own, status: "OUTOFSERVICE" }] },
  });
  assertEquals(found!.fix, "the registry was told UP: somebody has set the status there");
});
