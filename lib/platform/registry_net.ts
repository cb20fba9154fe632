/** How the registry is reached: an HTTP client and a dialler that trust the same certificate authorities. */
import type { Dial, Fetch } from "../core/ports.ts";
import { connected } from "./late_connection.ts";

export interface RegistryNet {
  readonly fetch: Fetch;
  readonly dial: Dial;
  /** Closes idle connections. */
  close(): void;
}

/** Shape: PEM texts. */
export interface RegistryTrust {
  /** Authorities that are trusted besides those of the runtime. */
  readonly caCert?: string;
  /** Certificate chain and private key that are shown to a registry which asks for them. */
  readonly identity?: { readonly cert: string; readonly key: string };
}

/** Makes both. Errors: what the runtime says about the texts. */
export function createRegistryNet({ caCert, identity }: RegistryTrust = {}): RegistryNet {
  const caCerts = caCert === undefined ? {} : { caCerts: [caCert] };
  const client = Deno.createHttpClient({ ...caCerts, ...identity, poolIdleTimeout: 60_000 });
  return {
    fetch: (url, init) => fetch(url, { ...init, client }),
    dial: async ({ host, port, secure }, signal) => {
      if (secure && identity !== undefined) {
        // Only this call takes a certificate, and it takes no signal.
        const options = { hostname: host, port, ...caCerts, ...identity };
        return await connected(() => Deno.connectTls(options), signal);
      }
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
