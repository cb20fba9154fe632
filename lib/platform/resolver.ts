/** Host names to addresses, as every other program of this host would see them. */

/** All addresses of a host name. Errors: whatever the system's resolver says, with the name in the message. */
export type ResolveHost = (name: string) => Promise<readonly string[]>;

/**
 * Asks the system's resolver, so that the hosts file and search domains count.
 *
 * Shape: IPv4 and IPv6 literals, in the resolver's own order, without repetition.
 */
export const resolveHost: ResolveHost = async (name) => {
  // Node's modules take several MiB: only whoever calls names outside the mesh pays for them.
  const { lookup } = await import("node:dns/promises");
  const found = await lookup(name, { all: true, verbatim: true });
  return [...new Set(found.map((one) => one.address))];
};
