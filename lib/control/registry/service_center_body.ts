/** Reads the body of an answer: up to a bound, as JSON, and what it says of an error. */
import { RegistryError } from "./registry.ts";

/** Errors: RegistryError `garbled` when there is more; what the connection says. */
export async function readBounded(response: Response, maxBytes: number): Promise<string> {
  const tooLarge = () =>
    new RegistryError("garbled", `the answer is larger than ${maxBytes} bytes`);
  if (Number(response.headers.get("Content-Length") ?? 0) > maxBytes) {
    await response.body?.cancel();
    throw tooLarge();
  }
  if (!response.body) return "";
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop by a throw cancels the stream. Nothing is decoded before the size is known to be bearable.
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return new TextDecoder().decode(whole);
}

/** The error in a body. Shape: an empty code when the text is not the registry's own. */
export function readError(text: string): { readonly errorCode: string; readonly message: string } {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  const { errorCode, errorMessage, detail } = (body ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof errorCode !== "string") return { errorCode: "", message: "" };
  const words = [errorMessage, detail].filter((part) => typeof part === "string").join(": ");
  return { errorCode, message: `${errorCode} ${words}`.slice(0, 500) };
}

/** Errors: RegistryError `garbled`. */
export function parseJson(text: string, address: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RegistryError("garbled", `${address} sent text that is no JSON`, { cause });
  }
}
