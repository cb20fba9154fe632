/** Texts put together as the bytes of UTF-8, each written once and none of them kept as a text. */
import { quoted } from "./json_text.ts";

const leastRoom = 4 * 1024;
/** Texts differ a little from time to time. */
const spare = 1.2;
/** Bytes that one UTF-16 unit may need. */
const perUnit = 3;
/** Longer texts are left to the engine, which is quicker with them. */
const maxByHand = 100;
const QUOTE = 34, BACKSLASH = 92, ZERO = 48;

export class TextBytes {
  readonly #encoder = new TextEncoder();
  #bytes = new Uint8Array(0);
  #length = 0;
  /** What the last texts needed, these will need too. */
  #room = leastRoom;

  /** Units: bytes. */
  get length(): number {
    return this.#length;
  }

  #grow(wanted: number): void {
    const before = this.#bytes;
    this.#bytes = new Uint8Array(Math.max(this.#room, wanted, before.length * 2));
    this.#bytes.set(before.subarray(0, this.#length));
  }

  /** Any text. Cost: least for texts of some hundred characters, whatever the number of pieces they were made of. */
  append(text: string): void {
    const wanted = this.#length + text.length * perUnit;
    if (wanted > this.#bytes.length) this.#grow(wanted);
    this.#length += this.#encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written;
  }

  /** Bytes that are there already. */
  put(piece: Uint8Array): void {
    const wanted = this.#length + piece.length;
    if (wanted > this.#bytes.length) this.#grow(wanted);
    this.#bytes.set(piece, this.#length);
    this.#length = wanted;
  }

  /** A short text of ASCII characters. */
  ascii(text: string): void {
    const wanted = this.#length + text.length;
    if (wanted > this.#bytes.length) this.#grow(wanted);
    const bytes = this.#bytes;
    const from = this.#length;
    for (let index = 0; index < text.length; index++) bytes[from + index] = text.charCodeAt(index);
    this.#length = wanted;
  }

  /** A whole number, with zeros before it up to so many digits. */
  digits(number: number, least = 1): void {
    // Others are no small numbers to the engine.
    if (!(number >= 0 && number < 2 ** 31)) return this.ascii(String(number).padStart(least, "0"));
    let length = least;
    for (let limit = 10 ** least; limit <= number; limit *= 10) length++;
    const wanted = this.#length + length;
    if (wanted > this.#bytes.length) this.#grow(wanted);
    const bytes = this.#bytes;
    let rest = number;
    for (let at = wanted - 1; at >= this.#length; at--) {
      const next = Math.floor(rest / 10);
      bytes[at] = ZERO + rest - next * 10;
      rest = next;
    }
    this.#length = wanted;
  }

  /** A text as JSON has it, with its quotes. */
  json(text: string): void {
    if (text.length > maxByHand || !this.#plain(text)) this.append(quoted(text));
  }

  /** Shape: whether nothing in it needs an escape or more than a byte; else nothing is written. */
  #plain(text: string): boolean {
    const wanted = this.#length + text.length + 2;
    if (wanted > this.#bytes.length) this.#grow(wanted);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = QUOTE;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code < 32 || code > 127 || code === QUOTE || code === BACKSLASH) return false;
      bytes[at++] = code;
    }
    bytes[at] = QUOTE;
    this.#length = wanted;
    return true;
  }

  /** Takes back the last bytes. */
  cut(bytes: number): void {
    this.#length -= bytes;
  }

  /** Gives what there is and begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#room = Math.max(leastRoom, Math.ceil(this.#length * spare));
    this.#bytes = new Uint8Array(0);
    this.#length = 0;
    return taken;
  }
}
