/** Finds out whether something accepts connections at an address. */
import type { Probe } from "../core/ports.ts";

/** Opens one TCP connection and closes it at once. */
export const tcpProbe: Probe = async (host, port, timeoutMs) => {
  try {
    const connection = await Deno.connect({
      hostname: host,
      port,
      signal: AbortSignal.timeout(timeoutMs),
    });
    connection.close();
    return true;
  } catch {
    return false;
  }
};
