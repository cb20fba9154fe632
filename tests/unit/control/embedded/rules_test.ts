import { assertEquals, assertMatch } from "@test/assert";
import { RegistryFault } from "../../../../lib/control/embedded/faults.ts";
import { readInstance } from "../../../../lib/control/embedded/read_instance.ts";
import { readService } from "../../../../lib/control/embedded/read_service.ts";

const service = { serviceName: "cart" };
const instance = { hostName: "h" };

/** The refusal's text, or undefined when there was none. */
function refusal(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (!(error instanceof RegistryFault)) throw error;
    assertEquals(error.code, "400001");
    return error.message;
  }
}

const goodServices: Record<string, unknown>[] = [
  { version: "32767.0.007.1" },
  { version: "" },
  { version: null, appId: null, alias: null, schemas: null, properties: null, framework: null },
  { environment: "production", level: "FRONT", status: "DOWN", registerBy: "PLATFORM" },
  { alias: "shop:cart", serviceName: "a.b_c-D9" },
  { serviceName: "n".repeat(128), appId: "a".repeat(160), description: "d".repeat(256) },
  { framework: { name: "", version: "v".repeat(64) } },
  { properties: { a: null }, unknown: { deep: [1] } },
];

Deno.test("service of a request, valid forms: accepted", () => {
  for (const more of goodServices) {
    assertEquals(
      refusal(() => readService({ ...service, ...more })),
      undefined,
      JSON.stringify(more),
    );
  }
});

const badServices: readonly (readonly [Record<string, unknown>, RegExp])[] = [
  [{ serviceName: "" }, /serviceName/],
  [{ serviceName: 7 }, /serviceName is of type number/],
  [{ serviceName: "a b" }, /serviceName is "a b"; expected 1 to 128 letters/],
  [{ serviceName: "a-" }, /serviceName/],
  [{ serviceName: "n".repeat(129) }, /serviceName/],
  [{ serviceName: "a\n" }, /serviceName/],
  [{ version: "1.0+" }, /version/],
  [{ version: "latest" }, /version/],
  [{ version: "1.32768" }, /0 to 32767/],
  [{ version: "1." }, /version/],
  [{ environment: "dev" }, /environment is "dev"; expected empty, development/],
  [{ environment: "developmenttesting" }, /environment/],
  [{ level: "back" }, /level/],
  [{ status: "TESTING" }, /status/],
  [{ registerBy: "ME" }, /registerBy/],
  [{ alias: "a b" }, /alias/],
  [{ serviceId: "a b" }, /serviceId/],
  [{ schemas: ["a b"] }, /schemas\[0\]/],
  [{ schemas: "api" }, /schemas is of type string; expected a list/],
  [{ schemas: Array.from({ length: 101 }, (_, i) => `s${i}`) }, /at most 100/],
  [{ properties: { a: 1 } }, /properties\.a is of type number/],
  [{ properties: [] }, /properties is a list; expected an object/],
  [{ framework: { name: "a b" } }, /name/],
  [{ description: "d".repeat(257) }, /description/],
];

Deno.test("service of a request, invalid forms: refused with field, value and rule", () => {
  for (const [more, pattern] of badServices) {
    assertMatch(
      refusal(() => readService({ ...service, ...more })) ?? "accepted",
      pattern,
      JSON.stringify(more),
    );
  }
});

const goodInstances: Record<string, unknown>[] = [
  { endpoints: null, status: null, healthCheck: null, dataCenterInfo: null, properties: null },
  { endpoints: ["junk", "junk"], instanceId: "A_z.0-9" },
  { healthCheck: { mode: "push", interval: 1, times: 0, port: null, url: null } },
  { dataCenterInfo: { name: "a", region: "b", availableZone: "c" } },
  { hostName: "h".repeat(64) },
];

Deno.test("instance of a request, valid forms: accepted", () => {
  for (const more of goodInstances) {
    const found = refusal(() => readInstance({ ...instance, ...more }));
    assertEquals(found, undefined, JSON.stringify(more));
  }
});

const badInstances: readonly (readonly [Record<string, unknown>, RegExp])[] = [
  [{ hostName: null }, /hostName/],
  [{ hostName: " " }, /hostName is " "; expected 1 to 64 characters, not blank/],
  [{ hostName: "h".repeat(65) }, /hostName/],
  [{ status: "UNKNOWN" }, /status is "UNKNOWN"; expected UP, DOWN/],
  [{ instanceId: "a/b" }, /instanceId/],
  [{ instanceId: "i".repeat(65) }, /instanceId/],
  [{ endpoints: [""] }, /endpoints\[0\]/],
  [{ endpoints: [null] }, /endpoints\[0\]/],
  [{ endpoints: {} }, /endpoints/],
  [{ healthCheck: {} }, /mode/],
  [{ healthCheck: "push" }, /healthCheck/],
  [{ healthCheck: { mode: "push" } }, /interval is 0; expected a whole number of at least 1/],
  [{ healthCheck: { mode: "push", interval: 1.5 } }, /interval/],
  [{ healthCheck: { mode: "push", interval: "5" } }, /interval/],
  [{ healthCheck: { mode: "push", interval: 1e12 } }, /interval/],
  [{ healthCheck: { mode: "push", interval: 5, times: -1 } }, /times/],
  [{ dataCenterInfo: {} }, /name/],
  [{ dataCenterInfo: { name: "a", region: "b" } }, /availableZone/],
];

Deno.test("instance of a request, invalid forms: refused with field, value and rule", () => {
  for (const [more, pattern] of badInstances) {
    assertMatch(
      refusal(() => readInstance({ ...instance, ...more })) ?? "accepted",
      pattern,
      JSON.stringify(more),
    );
  }
});

Deno.test("service of a request, keys such as __proto__: kept as ordinary keys", () => {
  const fields = JSON.parse(
    '{"serviceName":"cart","properties":{"__proto__":"x","constructor":"y"}}',
  );
  const { properties } = readService(fields).service;
  assertEquals([...properties], [["__proto__", "x"], ["constructor", "y"]]);
});

Deno.test("a hostile value in a refusal: shortened", () => {
  const message = refusal(() => readService({ serviceName: " ".repeat(100_000) }))!;
  assertEquals(message.length < 250, true);
});
