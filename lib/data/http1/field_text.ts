/** Texts of header lines: the elements of a list, names that are the same, words for what is wrong. */
import { COLON, COMMA, CR, HTAB, LF, SP } from "./bytes.ts";

/** Calls back with the trimmed range of each non-empty element of a comma-separated value. */
export function forEachElement(
  bytes: Uint8Array,
  value: { readonly from: number; readonly to: number },
  each: (from: number, to: number) => void,
): void {
  let from = value.from;
  while (from < value.to) {
    let to = from;
    while (to < value.to && bytes[to] !== COMMA) to++;
    let first = from, last = to;
    while (first < last && (bytes[first] === SP || bytes[first] === HTAB)) first++;
    while (last > first && (bytes[last - 1] === SP || bytes[last - 1] === HTAB)) last--;
    if (last > first) each(first, last);
    from = to + 1;
  }
}

/** Whether two ranges hold the same name, whatever its case. */
export function sameName(
  bytes: Uint8Array,
  a: { readonly from: number; readonly to: number },
  bFrom: number,
  bTo: number,
): boolean {
  if (a.to - a.from !== bTo - bFrom) return false;
  for (let index = 0; index < bTo - bFrom; index++) {
    if (lower(bytes[a.from + index]!) !== lower(bytes[bFrom + index]!)) return false;
  }
  return true;
}

function lower(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
}

/** Words for what stops a name at `at`. */
export function badName(bytes: Uint8Array, from: number, at: number): string {
  const byte = bytes[at]!;
  if (at === from) {
    if (byte === SP || byte === HTAB) return "a folded header line";
    if (byte === COLON) return "a field without a name";
    if (byte === LF) return "a bare LF in the header";
  } else if (byte === SP || byte === HTAB) {
    return "a space between field name and colon";
  } else if (byte === CR || byte === LF) {
    return "a header line without a colon";
  }
  return `the byte 0x${byte.toString(16).padStart(2, "0")} in a field name`;
}

/** Words for what no value may hold. */
export function badValue(byte: number): string {
  if (byte === LF) return "a bare LF in the header";
  if (byte === CR) return "a bare CR in the header";
  return `the byte 0x${byte.toString(16).padStart(2, "0")} in a field value`;
}
