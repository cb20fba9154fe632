/** The chunked coding as a scanner: it checks every byte of the framing and says where data and message end. */
import { COLON, CR, LF, tokenBytes, valueBytes } from "./bytes.ts";
import { MalformedHead } from "./fields.ts";

const phase = {
  size: 0,
  extension: 1,
  sizeLf: 2,
  data: 3,
  dataCr: 4,
  dataLf: 5,
  lineStart: 6,
  trailerName: 7,
  trailerValue: 8,
  trailerLf: 9,
  endLf: 10,
  done: 11,
} as const;

/** Hex digits of one size, leading zeros counted; fourteen reach beyond what a double holds exactly. */
const maxDigits = 13;
/** Extension bytes that no data has come for. */
const maxExtensionBytes = 4096;
/** Trailer fields that would change the framing or routing of the message after the fact. */
const forbidden = new Set([
  "content-length",
  "transfer-encoding",
  "host",
  "connection",
  "trailer",
  "content-encoding",
  "content-type",
  "content-range",
  "authorization",
  "te",
]);

/** The state of one chunked body. */
export class ChunkScanner {
  #phase: number = phase.size;
  #digits = 0;
  #remaining = 0;
  #overhead = 0;
  #name = "";
  readonly #maxTrailerBytes: number;
  #trailerBytes = 0;

  constructor(maxTrailerBytes = 65536) {
    this.#maxTrailerBytes = maxTrailerBytes;
  }

  get done(): boolean {
    return this.#phase === phase.done;
  }

  /**
   * Scans what has arrived.
   *
   * Shape: how far the bytes belong to this body: `to`, or less once `done`. `data`, where given, is called with
   * each range of decoded data.
   * Errors: MalformedHead at the first byte that is not as RFC 9112 section 7.1 has it.
   */
  scan(
    bytes: Uint8Array,
    from: number,
    { to, data }: { to: number; data?: (from: number, to: number) => void },
  ): number {
    let at = from;
    while (at < to && this.#phase !== phase.done) {
      if (this.#phase === phase.data) {
        const count = Math.min(this.#remaining, to - at);
        data?.(at, at + count);
        at += count;
        this.#remaining -= count;
        // Data pays for extensions, so that a long body may carry a signature with every chunk.
        this.#overhead = Math.max(0, this.#overhead - count);
        if (this.#remaining === 0) this.#phase = phase.dataCr;
      } else {
        this.#step(bytes[at]!);
        at++;
      }
    }
    return at;
  }

  #step(byte: number): void {
    switch (this.#phase) {
      case phase.size:
        return this.#sizeByte(byte);
      case phase.extension:
        if (byte === CR) this.#phase = phase.sizeLf;
        else if (valueBytes[byte] !== 1) throw new MalformedHead("a control byte in a chunk line");
        else if (++this.#overhead > maxExtensionBytes) {
          throw new MalformedHead("chunk extensions without end");
        }
        return;
      case phase.sizeLf:
        expect(byte, LF, "a chunk line that does not end in CR LF");
        this.#digits = 0;
        this.#phase = this.#remaining === 0 ? phase.lineStart : phase.data;
        return;
      case phase.dataCr:
        expect(byte, CR, "a chunk longer than its size");
        this.#phase = phase.dataLf;
        return;
      case phase.dataLf:
        expect(byte, LF, "a chunk that does not end in CR LF");
        this.#phase = phase.size;
        return;
      default:
        return this.#trailerByte(byte);
    }
  }

  #sizeByte(byte: number): void {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      if (++this.#digits > maxDigits) throw new MalformedHead("a chunk size with too many digits");
      this.#remaining = (this.#digits === 1 ? 0 : this.#remaining * 16) + digit;
      return;
    }
    if (this.#digits === 0) throw new MalformedHead("a chunk size that is not a hex number");
    if (byte === CR) this.#phase = phase.sizeLf;
    else if (byte === 59) this.#phase = phase.extension;
    else throw new MalformedHead("a chunk size that is not a hex number");
  }

  #trailerByte(byte: number): void {
    if (++this.#trailerBytes > this.#maxTrailerBytes) {
      throw new MalformedHead("trailer fields without end", 431);
    }
    switch (this.#phase) {
      case phase.lineStart:
        if (byte === CR) {
          this.#phase = phase.endLf;
          return;
        }
        this.#name = "";
        this.#phase = phase.trailerName;
        return this.#nameByte(byte);
      case phase.trailerName:
        return this.#nameByte(byte);
      case phase.trailerValue:
        if (byte === CR) this.#phase = phase.trailerLf;
        else if (valueBytes[byte] !== 1) throw new MalformedHead("a control byte in a trailer");
        return;
      case phase.trailerLf:
        expect(byte, LF, "a trailer line that does not end in CR LF");
        this.#phase = phase.lineStart;
        return;
      default:
        expect(byte, LF, "a chunked body that does not end in CR LF");
        this.#phase = phase.done;
    }
  }

  #nameByte(byte: number): void {
    if (tokenBytes[byte] === 1) {
      if (this.#name.length < 32) this.#name += String.fromCharCode(byte);
      return;
    }
    if (byte !== COLON || this.#name === "") throw new MalformedHead("a malformed trailer field");
    if (forbidden.has(this.#name.toLowerCase())) {
      throw new MalformedHead(`the field ${this.#name} in a trailer`);
    }
    this.#phase = phase.trailerValue;
  }
}

function expect(byte: number, wanted: number, problem: string): void {
  if (byte !== wanted) throw new MalformedHead(problem);
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
