/** Numbers of 32 bits as hex digits, such as identifiers of traces are made of. */

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

/** Shape: 16 for no digit, which beyond the end of a text there is none. */
function digitAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code < 128 ? digitValues[code]! : 16;
}

/** Eight digits as a number; -1 when there is any other character among them. */
export function readWord(text: string, at: number): number {
  let word = 0;
  let seen = 0;
  for (let index = at; index < at + 8; index++) {
    const value = digitAt(text, index);
    seen |= value;
    word = (word << 4) | value;
  }
  return (seen & 16) === 0 ? word >>> 0 : -1;
}

/** Two digits as a number; -1 when there is any other character among them. */
export function readByte(text: string, at: number): number {
  const high = digitAt(text, at), low = digitAt(text, at + 1);
  return ((high | low) & 16) === 0 ? high * 16 + low : -1;
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
