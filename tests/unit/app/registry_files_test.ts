/** Files about the registry: what is read of them, when, and what is said of bad ones. */
import { assert, assertEquals, assertMatch, rejection } from "@test/assert";
import { registryCredentials, registryTrust } from "../../../lib/app/registry_files.ts";
import type { Files } from "../../../lib/core/ports.ts";

/** Only reading matters; a path that begins with /no/ is not allowed. */
function filesOf(texts: Record<string, string>): Files {
  const nothing = () => Promise.resolve();
  return {
    read: (path) =>
      path.startsWith("/no/")
        ? Promise.reject(new Error("permission denied"))
        : Promise.resolve(texts[path]),
    replace: nothing,
    setAside: nothing,
  };
}

async function said(promise: Promise<unknown>): Promise<string> {
  const error = await rejection(promise);
  assert(error instanceof Error);
  return error.message;
}

const account = { registryAccount: "mesher" };
const file = { ...account, registryPasswordFile: "/run/password" };

Deno.test("registry password, from a file is read at the start and again each time, without the end of its line", async () => {
  const texts = { "/run/password": "ses ame\n" };
  const credentials = (await registryCredentials(file, filesOf(texts)))!;
  assert(typeof credentials.password === "function");
  assertEquals([credentials.account, await credentials.password()], ["mesher", "ses ame"]);
  texts["/run/password"] = "other\r\n";
  assertEquals(await credentials.password(), "other");
});

Deno.test("registry password, the file counts where both are set; without an account there is none", async () => {
  const files = filesOf({ "/run/password": "from the file" });
  const both = (await registryCredentials({ ...file, registryPassword: "p" }, files))!;
  assert(typeof both.password === "function");
  assertEquals(await registryCredentials({ ...account, registryPassword: "p" }, files), {
    account: "mesher",
    password: "p",
  });
  assertEquals(await registryCredentials({}, files), undefined);
});

for (
  const [what, texts, pattern] of [
    ["does not exist", {}, /^registry_password_file \/run\/password does not exist; name a file/],
    ["is empty", { "/run/password": "\n" }, /is empty; name a file/],
    ["has two lines", { "/run/password": "secret\nmore" }, /holds more than a password/],
    ["is huge", { "/run/password": "secret".repeat(999) }, /holds more than a password/],
  ] as const
) {
  Deno.test(`registry password, a file that ${what} stops the start, and nothing of it is told`, async () => {
    const message = await said(registryCredentials(file, filesOf({ ...texts })));
    assertMatch(message, pattern);
    assert(!message.includes("secret"));
  });
}

const cert = "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n";
const key = "-----BEGIN EC PRIVATE KEY-----\nB\n-----END EC PRIVATE KEY-----\n";

Deno.test("registry trust, takes authority, certificate and key as they are", async () => {
  const files = filesOf({ "/ca": cert, "/cert": cert, "/key": key });
  const paths = { registryCa: "/ca", registryCert: "/cert", registryKey: "/key" };
  assertEquals(await registryTrust(paths, files), { caCert: cert, identity: { cert, key } });
  assertEquals(await registryTrust({}, files), {});
});

for (
  const [paths, pattern] of [
    [
      { registryCa: "/none" },
      /^registry_ca \/none does not exist; name a PEM file with the registry/,
    ],
    [{ registryCa: "/key" }, /^registry_ca \/key holds no certificate;/],
    [{ registryCa: "/no/ca" }, /^registry_ca \/no\/ca cannot be read;/],
    [{ registryCert: "/cert", registryKey: "/cert" }, /^registry_key \/cert holds no private key;/],
    [{ registryCert: "/key", registryKey: "/key" }, /^registry_cert \/key holds no certificate;/],
  ] as const
) {
  Deno.test(`registry trust, ${JSON.stringify(paths)} is refused with the file and what it should hold`, async () => {
    assertMatch(await said(registryTrust(paths, filesOf({ "/cert": cert, "/key": key }))), pattern);
  });
}
