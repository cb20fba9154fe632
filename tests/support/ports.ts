/** Ports of 127.0.0.1 that a test needs to know before, or after, somebody listens there. */

/** Outside of those that a system hands out by itself, so that neither a listener nor a connection takes one meanwhile. */
const ownPorts = { from: 20_000, to: 30_000 } as const;
const count = ownPorts.to - ownPorts.from;

/** Where this process goes on looking; test processes that run side by side begin at different places. */
let next = Math.floor(Math.random() * count);

/** A free port for a listener whose port has to be known before it exists. Shape: another one with every call. */
export function pickPort(): number {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = ownPorts.from + next;
    next = (next + 1) % count;
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error("no free port in a hundred tries");
}
