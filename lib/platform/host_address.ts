/** The address under which other hosts can reach this one. */
import { isLoopbackHost } from "../core/address.ts";

export interface InterfaceAddress {
  readonly family: "IPv4" | "IPv6";
  readonly address: string;
}

/**
 * The first address that is of use to others: IPv4 before IPv6, no loopback, no link-local ones.
 *
 * Shape: pure; undefined when there is none.
 */
export function pickHostAddress(addresses: readonly InterfaceAddress[]): string | undefined {
  const usable = addresses.filter(({ address }) =>
    !isLoopbackHost(address) && !address.startsWith("169.254.") && !/^fe[89ab]/i.test(address) &&
    address !== "0.0.0.0" && address !== "::"
  );
  const best = usable.find((one) => one.family === "IPv4") ?? usable[0];
  return best?.address;
}

/** The address of this host. Shape: undefined when it has only a loopback interface. */
export function hostAddress(): string | undefined {
  return pickHostAddress(Deno.networkInterfaces());
}
