/** Shared by the tests of the HTTP/1 engine: heads as text, verdicts as plain values. */
import { MalformedHead } from "../../../../lib/data/http1/fields.ts";
import { RequestHead } from "../../../../lib/data/http1/request_head.ts";
import { ResponseHead } from "../../../../lib/data/http1/response_head.ts";

/** Latin-1 text as bytes. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}

/** Bytes as latin-1 text. */
export function textOf(bytes: Uint8Array, from = 0, to = bytes.length): string {
  let text = "";
  for (let at = from; at < to; at++) text += String.fromCharCode(bytes[at]!);
  return text;
}

export type Verdict =
  | { readonly kind: "head"; readonly end: number }
  | { readonly kind: "incomplete" }
  | { readonly kind: "refused"; readonly status: number; readonly why: string };

/** Runs a parser. Errors: whatever it throws that is not a refusal. */
export function verdictOf(parse: () => number): Verdict {
  try {
    const end = parse();
    return end === 0 ? { kind: "incomplete" } : { kind: "head", end };
  } catch (error) {
    if (!(error instanceof MalformedHead)) throw error;
    return { kind: "refused", status: error.status, why: error.message };
  }
}

/** Parses a request from text; the head is fresh unless one is given. */
export function request(
  text: string,
  { head = new RequestHead(), maxFields = 100 }: { head?: RequestHead; maxFields?: number } = {},
): { readonly verdict: Verdict; readonly head: RequestHead; readonly bytes: Uint8Array } {
  const bytes = bytesOf(text);
  const verdict = verdictOf(() => head.parse(bytes, 0, { to: bytes.length, maxFields }));
  return { verdict, head, bytes };
}

/** Parses a response from text; the head is fresh unless one is given. */
export function response(
  text: string,
  { head = new ResponseHead(), maxFields = 100 }: { head?: ResponseHead; maxFields?: number } = {},
): { readonly verdict: Verdict; readonly head: ResponseHead; readonly bytes: Uint8Array } {
  const bytes = bytesOf(text);
  const verdict = verdictOf(() => head.parse(bytes, 0, { to: bytes.length, maxFields }));
  return { verdict, head, bytes };
}

/** Name and value of every field, in order. */
export function fieldList(
  bytes: Uint8Array,
  fields: RequestHead["fields"],
): readonly (readonly [string, string])[] {
  return Array.from({ length: fields.count }, (_, index) =>
    [
      textOf(bytes, fields.nameFrom(index), fields.nameTo(index)),
      textOf(bytes, fields.valueFrom(index), fields.valueTo(index)),
    ] as const);
}
