/** Frames of a web socket, whole and cut anywhere. */
import { assert, assertEquals } from "@test/assert";
import {
  closeFrame,
  FrameError,
  FrameReader,
  pongFrame,
  type WatchFrame,
} from "../../../../lib/control/registry/watch_frames.ts";
import { acceptOf } from "../../../../lib/control/registry/watch_socket.ts";

const utf8 = new TextEncoder();

function frame(first: number, payload: Uint8Array | string): Uint8Array {
  const bytes = typeof payload === "string" ? utf8.encode(payload) : payload;
  const { length } = bytes;
  const size = length < 126
    ? [length]
    : length < 65_536
    ? [126, length >> 8, length & 255]
    : [127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 255, length & 255];
  return new Uint8Array([first, ...size, ...bytes]);
}

function readAll(chunks: readonly Uint8Array[], maxBytes = 200_000): WatchFrame[] {
  const reader = new FrameReader(maxBytes);
  const frames: WatchFrame[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let one = reader.next(); one; one = reader.next()) frames.push(one);
  }
  return frames;
}

const long = "ä".repeat(400);
const huge = "x".repeat(70_000);
const stream = [
  frame(0x81, "hello"),
  frame(0x89, "hi"),
  frame(0x01, "in "),
  frame(0x8a, ""),
  frame(0x00, "three "),
  frame(0x80, "parts"),
  frame(0x81, long),
  frame(0x81, huge),
  frame(0x88, new Uint8Array([0x0f, 0xa1])),
];
const expected: WatchFrame[] = [
  { kind: "text", text: "hello" },
  { kind: "ping", payload: utf8.encode("hi") },
  { kind: "pong" },
  { kind: "text", text: "in three parts" },
  { kind: "text", text: long },
  { kind: "text", text: huge },
  { kind: "close", code: 4001 },
];

for (const size of [1, 2, 3, 7, 1_000, 1_000_000]) {
  Deno.test(`watch frames, the same frames come out of pieces of ${size} bytes`, () => {
    // The long message is left out where it would be copied once per byte.
    const parts = size < 100 ? stream.filter((one) => one.length < 60_000) : stream;
    const wanted = size < 100
      ? expected.filter((one) => one.kind !== "text" || one.text.length < 60_000)
      : expected;
    const whole = new Uint8Array(parts.flatMap((one) => [...one]));
    const pieces = Array.from(
      { length: Math.ceil(whole.length / size) },
      (_, i) => whole.slice(i * size, (i + 1) * size),
    );
    assertEquals(readAll(pieces), wanted);
  });
}

Deno.test("watch frames, a close without a code is 1005", () => {
  assertEquals(readAll([frame(0x88, "")]), [{ kind: "close", code: 1005 }]);
});

const bad: readonly (readonly [string, readonly Uint8Array[]])[] = [
  ["a masked frame of the server", [new Uint8Array([0x81, 0x85, 0, 0, 0, 0])]],
  ["an extension", [frame(0xc1, "x")]],
  ["an unknown kind of message", [frame(0x83, "x")]],
  ["an unknown kind of control", [frame(0x8b, "x")]],
  ["a continuation of nothing", [frame(0x80, "x")]],
  ["a message within a message", [frame(0x01, "x"), frame(0x81, "y")]],
  ["a ping in parts", [frame(0x09, "x")]],
  ["a ping that is too long", [frame(0x89, "x".repeat(126))]],
  ["a frame beyond the bound", [new Uint8Array([0x81, 127, 0, 0, 1, 0, 0, 0, 0, 0])]],
  ["a message beyond the bound", [frame(0x01, "x".repeat(600)), frame(0x80, "x".repeat(600))]],
];
for (const [what, chunks] of bad) {
  Deno.test(`watch frames, ${what} is refused`, () => {
    assert.throws(() => readAll(chunks, 1_000), FrameError);
  });
}

Deno.test("watch frames, what a client sends is masked", () => {
  const mask = new Uint8Array([1, 2, 3, 4]);
  assertEquals(
    [...pongFrame(utf8.encode("abcde"), mask)],
    [0x8a, 0x85, 1, 2, 3, 4, 97 ^ 1, 98 ^ 2, 99 ^ 3, 100 ^ 4, 101 ^ 1],
  );
  assertEquals([...closeFrame(mask)], [0x88, 0x82, 1, 2, 3, 4, 3 ^ 1, 232 ^ 2]);
});

Deno.test("watch handshake, the answer to the key of RFC 6455 section 1.3 is the one printed there", () => {
  assertEquals(acceptOf("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
});
