/** Addresses and endpoint strings. */
import { assertEquals } from "@test/assert";
import {
  type Address,
  formatAddress,
  formatEndpoint,
  formatHostPort,
  isIpLiteral,
  isIpv4,
  isLoopback,
  parseAddress,
  parseEndpoint,
} from "../../../lib/core/address.ts";

const addresses: readonly (readonly [text: string, address: Address | undefined])[] = [
  ["127.0.0.1:30101", { host: "127.0.0.1", port: 30101 }],
  ["example.com:80", { host: "example.com", port: 80 }],
  ["[::1]:80", { host: "::1", port: 80 }],
  ["[fe80::1%eth0]:80", undefined],
  [":8080", { host: "127.0.0.1", port: 8080 }],
  ["8080", { host: "127.0.0.1", port: 8080 }],
  ["0", { host: "127.0.0.1", port: 0 }],
  ["a:65535", { host: "a", port: 65535 }],
  ["unix:/run/a.sock", { path: "/run/a.sock" }],
  ["unix:a:b", { path: "a:b" }],
  ["unix:", undefined],
  ["a:65536", undefined],
  ["99999", undefined],
  ["a:123456", undefined],
  ["a:", undefined],
  ["a", undefined],
  ["", undefined],
  ["a:b", undefined],
  ["::1:80", undefined],
  ["[::1]", undefined],
  ["[a]:x", undefined],
  ["http://a:80", undefined],
  ["a b:80", undefined],
  ["a:80/path", undefined],
  ["a:+80", undefined],
];

for (const [text, address] of addresses) {
  Deno.test(`address, ${JSON.stringify(text)} ${address ? "is one" : "is none"}`, () => {
    assertEquals(parseAddress(text), address);
    if (address) assertEquals(parseAddress(formatAddress(address)), address, "printed and read");
  });
}

Deno.test("address, the default host can be given", () => {
  assertEquals(parseAddress(":80", "0.0.0.0"), { host: "0.0.0.0", port: 80 });
});

Deno.test("address, IPv6 hosts are printed in brackets", () => {
  assertEquals(formatHostPort("::1", 80), "[::1]:80");
  assertEquals(formatHostPort("a", 80), "a:80");
  assertEquals(formatAddress({ path: "/a" }), "unix:/a");
});

const loopback: readonly (readonly [host: string, is: boolean])[] = [
  ["127.0.0.1", true],
  ["127.9.9.9", true],
  ["::1", true],
  ["localhost", true],
  ["::ffff:127.0.0.1", true],
  ["128.0.0.1", false],
  ["0.0.0.0", false],
  ["::", false],
  ["127.0.0.1.example.com", false],
  ["localhost.example.com", false],
  ["10.127.0.0", false],
];

for (const [host, is] of loopback) {
  Deno.test(`address, ${host} ${is ? "is" : "is not"} loopback`, () => {
    assertEquals(isLoopback({ host, port: 1 }), is);
  });
}

Deno.test("address, a unix socket is loopback", () => {
  assertEquals(isLoopback({ path: "/a" }), true);
});

const ipv4: readonly (readonly [text: string, is: boolean])[] = [
  ["1.2.3.4", true],
  ["255.255.255.255", true],
  ["256.1.1.1", false],
  ["1.2.3", false],
  ["1.2.3.4.5", false],
  ["1.2.3.", false],
  ["1..2.3", false],
  ["1.2.3.4 ", false],
  ["1.2.3.0x4", false],
  ["1.2.3.-4", false],
  ["a.b.c.d", false],
];

for (const [text, is] of ipv4) {
  Deno.test(`address, ${JSON.stringify(text)} ${is ? "is" : "is not"} IPv4`, () => {
    assertEquals([isIpv4(text), isIpLiteral(text)], [is, is]);
  });
}

const endpoints: readonly (readonly [text: string, printed: string | undefined])[] = [
  ["rest://10.0.0.7:8080", "rest://10.0.0.7:8080"],
  ["rest://10.0.0.7:8080?sslEnabled=true", "rest://10.0.0.7:8080?sslEnabled=true"],
  ["rest://10.0.0.7:8080?a=b&sslEnabled=true", "rest://10.0.0.7:8080?sslEnabled=true"],
  ["rest://10.0.0.7:8080?sslEnabled=false", "rest://10.0.0.7:8080"],
  ["rest://10.0.0.7:8080?xsslEnabled=true", "rest://10.0.0.7:8080"],
  ["rest://10.0.0.7:8080?sslEnabled=trueish", "rest://10.0.0.7:8080"],
  ["rest://host/path", undefined],
  ["rest://host:80/path?sslEnabled=true", "rest://host:80?sslEnabled=true"],
  ["highway://[::1]:7070", "highway://[::1]:7070"],
  ["grpc://h:1", "grpc://h:1"],
  ["rest://h:0", undefined],
  ["rest://h:65536", undefined],
  ["rest://h", undefined],
  ["rest://:80", undefined],
  ["h:80", undefined],
  ["", undefined],
  ["9p://h:80", undefined],
  ["rest://h h:80", undefined],
];

for (const [text, printed] of endpoints) {
  Deno.test(`endpoint, ${JSON.stringify(text)} ${printed ? `is ${printed}` : "is none"}`, () => {
    const endpoint = parseEndpoint(text);
    assertEquals(endpoint && formatEndpoint(endpoint), printed);
    if (printed) assertEquals(parseEndpoint(printed), endpoint);
  });
}
