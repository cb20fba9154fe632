/** The frames of RFC 6455 as far as a client that only listens needs them: reads what comes, answers pings. */

import { joined } from "../../core/bytes.ts";
export type WatchFrame =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "ping"; readonly payload: Uint8Array<ArrayBuffer> }
  | { readonly kind: "pong" }
  | { readonly kind: "close"; readonly code: number };

/** The other side does not keep to the protocol. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

const opcodes = { continuation: 0x0, text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa };
const decoder = new TextDecoder();

/** Turns bytes, cut anywhere, into frames. Messages in several frames come out as one. */
export class FrameReader {
  readonly #maxBytes: number;
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #message: Uint8Array[] = [];
  #messageBytes = 0;
  #continuing = false;

  /** A message beyond `maxBytes` is an error. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(bytes: Uint8Array): void {
    this.#bytes = joined([this.#bytes, bytes]);
  }

  /** The next whole frame, undefined when more bytes are needed. Errors: FrameError. */
  next(): WatchFrame | undefined {
    for (;;) {
      const frame = this.#raw();
      if (frame === undefined) return undefined;
      const { opcode, final, payload } = frame;
      if (opcode >= opcodes.close) {
        if (!final || payload.length > 125) throw new FrameError("a control frame out of form");
        return control(opcode, payload);
      }
      if ((opcode === opcodes.continuation) !== this.#continuing) {
        throw new FrameError("a message begins within another");
      }
      if (opcode > opcodes.binary) throw new FrameError(`a frame of the unknown kind ${opcode}`);
      this.#message.push(payload);
      this.#messageBytes += payload.length;
      if (this.#messageBytes > this.#maxBytes) throw new FrameError("a message is too long");
      this.#continuing = !final;
      if (!final) continue;
      const text = decoder.decode(joined(this.#message));
      this.#message = [];
      this.#messageBytes = 0;
      return { kind: "text", text };
    }
  }

  #raw():
    | {
      readonly opcode: number;
      readonly final: boolean;
      readonly payload: Uint8Array<ArrayBuffer>;
    }
    | undefined {
    const bytes = this.#bytes;
    if (bytes.length < 2) return undefined;
    const [first = 0, second = 0] = bytes;
    if ((first & 0x70) !== 0) throw new FrameError("a frame uses an extension nobody agreed on");
    if ((second & 0x80) !== 0) throw new FrameError("a frame of the server is masked");
    let length = second & 0x7f;
    let from = 2;
    if (length >= 126) {
      const wide = length === 127;
      from = wide ? 10 : 4;
      if (bytes.length < from) return undefined;
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      length = wide ? Number(view.getBigUint64(2)) : view.getUint16(2);
    }
    if (length > this.#maxBytes) throw new FrameError("a frame is too long");
    if (bytes.length < from + length) return undefined;
    const payload = bytes.slice(from, from + length);
    this.#bytes = bytes.slice(from + length);
    return { opcode: first & 0x0f, final: (first & 0x80) !== 0, payload };
  }
}

function control(opcode: number, payload: Uint8Array<ArrayBuffer>): WatchFrame {
  if (opcode === opcodes.ping) return { kind: "ping", payload };
  if (opcode === opcodes.pong) return { kind: "pong" };
  if (opcode !== opcodes.close) throw new FrameError(`a frame of the unknown kind ${opcode}`);
  return { kind: "close", code: payload.length < 2 ? 1005 : payload[0]! * 256 + payload[1]! };
}

/** The answer to a ping: a client's frames are masked, RFC 6455 section 5.3. Shape: `mask` is four bytes. */
export function pongFrame(payload: Uint8Array, mask: Uint8Array): Uint8Array {
  return clientFrame(opcodes.pong, payload, mask);
}

export function closeFrame(mask: Uint8Array): Uint8Array {
  return clientFrame(opcodes.close, new Uint8Array([3, 232]), mask);
}

function clientFrame(opcode: number, payload: Uint8Array, mask: Uint8Array): Uint8Array {
  const masked = payload.map((byte, i) => byte ^ mask[i % 4]!);
  return joined([new Uint8Array([0x80 | opcode, 0x80 | payload.length]), mask, masked]);
}
