/** Socket addresses as the kernel takes them. */
import { assert, assertEquals } from "@test/assert";
import type { Address } from "../../../lib/core/address.ts";
import { encodeAddress } from "../../../lib/plane/socket_address.ts";

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Family in the order of little-endian machines, as all that run this. */
const good: readonly (readonly [title: string, address: Address, bytes: string])[] = [
  ["IPv4", { host: "127.0.0.1", port: 80 }, "02000050" + "7f000001" + "0".repeat(16)],
  ["IPv4, highest", { host: "255.255.255.255", port: 65535 }, "0200ffffffffffff" + "0".repeat(16)],
  ["port 0", { host: "0.0.0.0", port: 0 }, "02000000" + "0".repeat(24)],
  ["::", { host: "::", port: 1 }, "0a000001" + "0".repeat(48)],
  [
    "::1",
    { host: "::1", port: 258 },
    "0a000102" + "0".repeat(8) + "0".repeat(31) + "1" + "0".repeat(8),
  ],
  [
    "IPv6 with a gap",
    { host: "2001:DB8::a:0", port: 1 },
    "0a000001" + "00000000" + "20010db8" + "0".repeat(16) + "000a0000" + "00000000",
  ],
  [
    "IPv6 in full",
    { host: "1:2:3:4:5:6:7:8", port: 1 },
    "0a000001" + "00000000" + "00010002000300040005000600070008" + "00000000",
  ],
  [
    "IPv6 with the gap at its end",
    { host: "1:2:3:4:5:6:7::", port: 1 },
    "0a000001" + "00000000" + "00010002000300040005000600070000" + "00000000",
  ],
  [
    "mapped IPv4",
    { host: "::ffff:10.1.2.255", port: 1 },
    "0a000001" + "00000000" + "0".repeat(20) + "ffff0a0102ff" + "00000000",
  ],
  [
    "IPv6 in full with a dotted end",
    { host: "1:2:3:4:5:6:7.8.9.10", port: 1 },
    "0a000001" + "00000000" + "0001000200030004000500060708090a" + "00000000",
  ],
  ["a path", { path: "/a.sock" }, "0100" + "2f612e736f636b" + "00"],
  ["the longest path", { path: "x".repeat(107) }, "0100" + "78".repeat(107) + "00"],
  ["a path that is not ASCII", { path: "/ä" }, "0100" + "2fc3a4" + "00"],
];

for (const [title, address, bytes] of good) {
  Deno.test(`socket address, ${title}`, () => {
    const encoded = encodeAddress(address);
    assertEquals(hex(encoded.bytes), bytes);
    assertEquals(encoded.family, encoded.bytes[0]);
  });
}

const badHosts = [
  "",
  "localhost",
  "example.com",
  "1.2.3",
  "1..2.3",
  ".1.2.3",
  "1.2.3.4.5",
  "256.0.0.1",
  "1.2.3.4 ",
  " 1.2.3.4",
  "0x7f.0.0.1",
  "1e1.0.0.1",
  "1.5.0.0.1",
  "-1.0.0.1",
  "1.2.3.4\0",
  ":",
  ":::",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "1:2:3:4:5:6:7:8::",
  "::1:2:3:4:5:6:7:8",
  "1::2::3",
  "12345::",
  "g::",
  "::1%eth0",
  "[::1]",
  "::1 ",
  "::256.0.0.1",
  "::1.2.3",
  "::1.2.3.4.5",
  "1.2.3.4::",
  "::1.2.3.4:5",
  "1:2:3:4:5:6:7:1.2.3.4",
];

for (const host of badHosts) {
  Deno.test(`socket address, ${JSON.stringify(host)} is refused`, () => {
    assert.throws(() => encodeAddress({ host, port: 80 }), RangeError);
  });
}

for (const port of [-1, 65536, 80.5, NaN, Infinity, -Infinity]) {
  Deno.test(`socket address, port ${port} is refused`, () => {
    assert.throws(() => encodeAddress({ host: "127.0.0.1", port }), RangeError);
    assert.throws(() => encodeAddress({ host: "::1", port }), RangeError);
  });
}

for (const [title, path] of [["empty", ""], ["too long", "x".repeat(108)], ["cut", "/a\0b"]]) {
  Deno.test(`socket address, a path that is ${title} is refused`, () => {
    assert.throws(() => encodeAddress({ path: path! }), RangeError);
  });
}
