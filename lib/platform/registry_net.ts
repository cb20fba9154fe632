/** How the registry is reached: an HTTP client and a dialler that trust the same certificate authorities. */
import type { Dial, Fetch } from "../core/ports.ts";

export interface RegistryNet {
  readonly fetch: Fetch;
  readonly dial: Dial;
  /** Closes idle connections. */
  close(): void;
}

/**
 * Makes both.
 *
 * Shape: `caCert` is PEM text of authorities that are trusted besides those of the runtime.
 * Errors: what the runtime says about the text.
 */
export function createRegistryNet(options: { readonly caCert?: string } = {}): RegistryNet {
  const caCerts = options.caCert === undefined ? {} : { caCerts: [options.caCert] };
  const client = Deno.createHttpClient({ ...caCerts, poolIdleTimeout: 60_000 });
  return {
    fetch: (url, init) => fetch(url, { ...init, client }),
    dial: async ({ host, port, secure }, signal) => {
      // Dialling TLS takes no signal, so the handshake is made on a connection whose dialling does.
      const connection = await Deno.connect({ hostname: host, port, signal });
      if (!secure) return connection;
      const close = () => connection.close();
      signal.addEventListener("abort", close, { once: true });
      try {
        return await Deno.startTls(connection, { hostname: host, ...caCerts });
      } finally {
        signal.removeEventListener("abort", close);
      }
    },
    close: () => client.close(),
  };
}
