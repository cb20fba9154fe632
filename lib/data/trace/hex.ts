/** Identifiers of traces as 32-bit words: read from hex digits, written as such, drawn at random. */
import type { Random } from "../../core/ports.ts";

/** Lower-case digits by their value. */
const digitBytes = Uint8Array.from("0123456789abcdef", (char) => char.charCodeAt(0));

/** Values by character; 16 for everything that is no lower-case digit. */
const digitValues = new Uint8Array(128).fill(16);
digitBytes.forEach((byte, value) => digitValues[byte] = value);

/** Two digits by the value of a byte. */
const pairs: readonly string[] = Array.from(
  { length: 256 },
  (_, value) => value.toString(16).padStart(2, "0"),
);

/** Eight digits as a number; -1 when there is any other character among them. */
export function readWord(text: string, at: number): number {
  let word = 0;
  for (let index = at; index < at + 8; index++) {
    // Beyond the end of the text the code is NaN, which no array has.
    const value = digitValues[text.charCodeAt(index)] ?? 16;
    if (value === 16) return -1;
    word = word * 16 + value;
  }
  return word;
}

/** Two digits as a number; -1 when there is any other character among them. */
export function readByte(text: string, at: number): number {
  const high = digitValues[text.charCodeAt(at)] ?? 16;
  const low = digitValues[text.charCodeAt(at + 1)] ?? 16;
  return high === 16 || low === 16 ? -1 : high * 16 + low;
}

/** Writes a word as eight digits. */
export function writeWord(bytes: Uint8Array, at: number, word: number): void {
  for (let index = 0; index < 8; index++) {
    bytes[at + index] = digitBytes[(word >>> (28 - index * 4)) & 15]!;
  }
}

/** A word as a text of eight digits. */
export function wordText(word: number): string {
  return pairs[word >>> 24]! + pairs[(word >>> 16) & 255]! + pairs[(word >>> 8) & 255]! +
    pairs[word & 255]!;
}

/** A word at random. Shape: never 0, so that no identifier is all zeros, which would be none. */
export function randomWord(random: Random): number {
  return Math.floor(random() * 0xffff_ffff) + 1;
}
