/** Tries whether this process could use something, and leaves no trace of it. */
import type { Address } from "../core/address.ts";

let tried = 0;

/** Writes a file into the folder and takes it away again. Shape: why that is not possible, or undefined. */
export async function tryToWrite(folder: string): Promise<string | undefined> {
  const path = `${folder}/tryout-${Deno.pid}-${tried++}.tmp`;
  try {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(path, "tryout\n", { createNew: true, mode: 0o600 });
    await Deno.remove(path);
    return undefined;
  } catch (error) {
    await Deno.remove(path).catch(() => {});
    return error instanceof Error ? error.message : String(error);
  }
}

/** Listens for a moment. Shape: why that is not possible, or undefined; nothing is said of unix sockets. */
export function tryToListen(address: Address): string | undefined {
  if ("path" in address || address.port === 0) return undefined;
  try {
    Deno.listen({ hostname: address.host, port: address.port }).close();
    return undefined;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return "another program listens there";
    return error instanceof Error ? error.message : String(error);
  }
}
