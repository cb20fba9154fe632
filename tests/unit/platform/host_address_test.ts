/** Which of a host's addresses is advertised. */
import { assertEquals } from "@test/assert";
import { pickHostAddress } from "../../../lib/platform/host_address.ts";

const table: readonly (readonly [title: string, addresses: string, picked: string | undefined])[] =
  [
    ["the first IPv4 address that is no loopback", "127.0.0.1 10.0.0.7 10.0.0.8", "10.0.0.7"],
    ["IPv4 before IPv6", "::1 2001:db8::1 10.0.0.7", "10.0.0.7"],
    ["IPv6 when there is nothing else", "127.0.0.1 ::1 2001:db8::1", "2001:db8::1"],
    ["no link-local addresses", "169.254.1.1 fe80::1 2001:db8::1", "2001:db8::1"],
    ["nothing on a host with a loopback only", "127.0.0.1 ::1", undefined],
    ["nothing on a host without interfaces", "", undefined],
  ];

for (const [title, addresses, picked] of table) {
  Deno.test(`host address, ${title}`, () => {
    const list = addresses.split(" ").filter((one) => one !== "").map((address) => ({
      family: address.includes(":") ? "IPv6" as const : "IPv4" as const,
      address,
    }));
    assertEquals(pickHostAddress(list), picked);
  });
}
