/** Reads request bodies: bounded, and only JSON comes out. */
import { invalid } from "./faults.ts";
import { asFields, type Fields } from "./rules.ts";

/** The limits of the original. Units: bytes. */
export const bodyLimits = {
  instance: 5 * 1024,
  properties: 3 * 1024,
  general: 2 * 1024 * 1024,
} as const;

// A little of what is too long is read all the same: a client that is still sending does not see an answer.
const maxDiscardBytes = 8 * 1024 * 1024;

/**
 * The JSON object in a request body.
 *
 * Shape: `null` counts as an empty object.
 * Errors: RegistryFault 400001 for a body that is missing, too long, not JSON, or not an object.
 */
export async function readFields(request: Request, maxBytes: number): Promise<Fields> {
  const body = await readText(request, maxBytes);
  if (body.trim() === "") throw invalid("The request has no body; expected a JSON object.");
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    throw invalid(`The body is not JSON: ${error instanceof Error ? error.message : error}`);
  }
  return asFields("The body", value ?? {});
}

async function readText(request: Request, maxBytes: number): Promise<string> {
  if (!request.body) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  try {
    for await (const chunk of request.body) {
      bytes += chunk.length;
      if (bytes > maxDiscardBytes) break;
      if (bytes <= maxBytes) text += decoder.decode(chunk, { stream: true });
    }
  } catch {
    throw invalid("The body ended before it was complete.");
  }
  if (bytes > maxBytes) throw invalid(`The body is longer than ${maxBytes} bytes.`);
  return text + decoder.decode();
}
