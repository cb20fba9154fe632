/** Bytes of HTTP heads: character classes, comparison without decoding, and a growing writer. */

/** Characters of a token, RFC 9110 section 5.6.2. */
export const tokenBytes: Uint8Array = new Uint8Array(256);
/** Characters of a field value: visible ASCII, space, tab and the upper half. */
export const valueBytes: Uint8Array = new Uint8Array(256);
/** Characters of a host with its port, RFC 3986 section 3.2 without user information. */
const hostBytes: Uint8Array = new Uint8Array(256);
/** Characters of a request target: visible ASCII and, as browsers send them, the upper half. */
export const targetBytes: Uint8Array = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  const char = String.fromCharCode(byte);
  tokenBytes[byte] = /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(char) ? 1 : 0;
  valueBytes[byte] = byte === 9 || (byte >= 32 && byte !== 127) ? 1 : 0;
  hostBytes[byte] = /[A-Za-z0-9\-._~%!$&'()*+,;=:[\]]/.test(char) ? 1 : 0;
  targetBytes[byte] = byte > 32 && byte !== 127 ? 1 : 0;
}

export const CR = 13, LF = 10, SP = 32, HTAB = 9, COLON = 58, COMMA = 44;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** ASCII text as bytes. */
export function ascii(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** Where a byte stands first in a range; the range's end when it is not in it. */
export function findByte(
  bytes: Uint8Array,
  byte: number,
  { from, to }: { readonly from: number; readonly to: number },
): number {
  for (let at = from; at < to; at++) if (bytes[at] === byte) return at;
  return to;
}

/** Whether a range holds nothing but characters of a host with its port; it may be empty. */
export function isHostText(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (hostBytes[bytes[at]!] !== 1) return false;
  return true;
}

/** Bytes as latin-1 text: every byte one character, nothing lost. */
export function latin1(bytes: Uint8Array, from: number, to: number): string {
  let text = "";
  for (let at = from; at < to; at++) text += String.fromCharCode(bytes[at]!);
  return text;
}

/** Bytes as text for people and rules: UTF-8 or, where they are none, latin-1. */
export function utf8(bytes: Uint8Array, from: number, to: number): string {
  let at = from;
  while (at < to && bytes[at]! < 128) at++;
  if (at < to) {
    try {
      return decoder.decode(bytes.subarray(from, to));
    } catch {
      // No UTF-8.
    }
  }
  return latin1(bytes, from, to);
}

/** Compares a range with lower-case ASCII text, ignoring the case of the range. */
export function equalsIgnoreCase(
  bytes: Uint8Array,
  range: { readonly from: number; readonly to: number },
  lower: string,
): boolean {
  if (range.to - range.from !== lower.length) return false;
  return matchesAt(bytes, range.from, lower);
}

/** Whether lower-case ASCII text stands at a position, ignoring the case of the bytes. */
export function matchesAt(bytes: Uint8Array, at: number, lower: string): boolean {
  for (let index = 0; index < lower.length; index++) {
    const byte = bytes[at + index]!;
    const expected = lower.charCodeAt(index);
    if (byte !== expected && !(byte >= 65 && byte <= 90 && byte + 32 === expected)) return false;
  }
  return true;
}

/** Digits as a number; -1 when there is another character, none, or more than 15 of them. */
export function decimal(bytes: Uint8Array, from: number, to: number): number {
  // More digits than a double holds exactly are no length anybody means.
  if (to <= from || to - from > 15) return -1;
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** A growing byte buffer that is used again and again. */
export class Writer {
  bytes: Uint8Array<ArrayBuffer>;
  length = 0;

  constructor(capacity = 2048) {
    this.bytes = new Uint8Array(capacity);
  }

  clear(): void {
    this.length = 0;
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    let capacity = this.bytes.length * 2;
    while (capacity < needed) capacity *= 2;
    const larger = new Uint8Array(capacity);
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }

  /** Appends `source[from..to)`. */
  range(source: Uint8Array, from: number, to: number): void {
    const count = to - from;
    if (count <= 0) return;
    this.reserve(count);
    if (count < 32) {
      const { bytes, length } = this;
      for (let index = 0; index < count; index++) bytes[length + index] = source[from + index]!;
    } else {
      this.bytes.set(source.subarray(from, to), this.length);
    }
    this.length += count;
  }

  all(source: Uint8Array): void {
    this.reserve(source.length);
    this.bytes.set(source, this.length);
    this.length += source.length;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** Appends latin-1 text. */
  text(text: string): void {
    this.reserve(text.length);
    for (let index = 0; index < text.length; index++) {
      this.bytes[this.length++] = text.charCodeAt(index);
    }
  }
}
