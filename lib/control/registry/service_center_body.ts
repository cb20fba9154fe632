/** Reads the body of an answer up to a bound. */
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
