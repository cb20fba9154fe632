/** Files that the connection to the registry needs: authority, own certificate, password. */
import type { Config } from "../config/schema.ts";
import type { Files } from "../core/ports.ts";
import type { Credentials } from "../control/registry/token.ts";
import type { RegistryTrust } from "../platform/registry_net.ts";

type Paths = Pick<Config, "registryCa" | "registryCert" | "registryKey">;
type Account = Pick<Config, "registryAccount" | "registryPassword" | "registryPasswordFile">;

/** Longer ones are a wrong file. */
const maxPassword = 1024;

/** What TLS to the registry wants. Errors: Error for a file that does not hold what it should, saying what to do. */
export async function registryTrust(config: Paths, files: Files): Promise<RegistryTrust> {
  const { registryCa, registryCert, registryKey } = config;
  const pem = async (key: string, path: string, what: { kind: string; holds: string }) => {
    const hint = `name a PEM file with ${what.holds}`;
    const text = await readText({ key, path, hint }, files);
    if (!new RegExp(`-----BEGIN (?:[A-Z]+ )?${what.kind}-----`).test(text)) {
      throw new Error(`${key} ${path} holds no ${what.kind.toLowerCase()}; ${hint}`);
    }
    return text;
  };
  const certificate = (holds: string) => ({ kind: "CERTIFICATE", holds });
  return {
    ...(registryCa === undefined ? {} : {
      caCert: await pem("registry_ca", registryCa, certificate("the registry's authority")),
    }),
    ...(registryCert === undefined || registryKey === undefined ? {} : {
      identity: {
        cert: await pem("registry_cert", registryCert, certificate("this sidecar's certificate")),
        key: await pem("registry_key", registryKey, {
          kind: "PRIVATE KEY",
          holds: "the private key of registry_cert, without a passphrase",
        }),
      },
    }),
  };
}

/**
 * Account and password, undefined where none are configured.
 *
 * Shape: a password from a file is read now, so that a wrong path is known at once, and again whenever it is needed.
 * Errors: Error for a file without a usable password; its message has nothing of what was read.
 */
export async function registryCredentials(
  config: Account,
  files: Files,
): Promise<Credentials | undefined> {
  const { registryAccount: account, registryPassword, registryPasswordFile: path } = config;
  if (account === undefined) return undefined;
  if (path === undefined) {
    return registryPassword === undefined ? undefined : { account, password: registryPassword };
  }
  const password = () => readPassword(path, files);
  await password();
  return { account, password };
}

async function readPassword(path: string, files: Files): Promise<string> {
  const hint = "name a file with nothing but the password of registry_account in it";
  const text = await readText({ key: "registry_password_file", path, hint }, files);
  const password = text.replace(/[\r\n]+$/, "");
  if (password === "" || password.length > maxPassword || /[\r\n]/.test(password)) {
    const why = password === "" ? "is empty" : "holds more than a password";
    throw new Error(`registry_password_file ${path} ${why}; ${hint}`);
  }
  return password;
}

async function readText(
  { key, path, hint }: { readonly key: string; readonly path: string; readonly hint: string },
  files: Files,
): Promise<string> {
  let text: string | undefined;
  try {
    text = await files.read(path);
  } catch (cause) {
    throw new Error(`${key} ${path} cannot be read; ${hint}`, { cause });
  }
  if (text === undefined) throw new Error(`${key} ${path} does not exist; ${hint}`);
  return text;
}
