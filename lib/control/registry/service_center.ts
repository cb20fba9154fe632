/** The Service Center backend: reads sets of instances and keeps the own one, over its REST interface version 4. */
import type { Clock, Dial, Fetch, Logger, Probe, Random } from "../../core/ports.ts";
import type { Place } from "./address_places.ts";
import { OwnService } from "./own_service.ts";
import type { RegistryBackend } from "./registry.ts";
import { ServiceCenterDiscovery } from "./service_center_discovery.ts";
import { ServiceCenterHttp } from "./service_center_http.ts";
import { ServiceCenterRegistrar } from "./service_center_registrar.ts";
import { ServiceCenterWatch } from "./service_center_watch.ts";
import { RegistrySigns } from "./signs.ts";
import { type Credentials, TokenSource } from "./token.ts";

export interface ServiceCenterOptions {
  /** Base addresses such as `http://10.0.0.9:30100`, without a trailing slash. */
  readonly addresses: readonly string[];
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Version of this program, published as the framework's. */
  readonly version: string;
  /** Whether services of other applications may find the own one. */
  readonly allowCrossApp?: boolean;
  readonly project?: string;
  readonly domain?: string;
  /** Units: milliseconds for one try at one address. */
  readonly timeoutMs?: number;
  /** Of a registry that checks who asks. */
  readonly credentials?: Credentials;
  /** Asks addresses that failed whether they are well again, where the registry has no page for that. */
  readonly probe?: Probe;
  /** Where this process runs; of several addresses those in the same zone, then the same region, come first. */
  readonly place?: Place;
  /** Opens the connection of the watch; without it changes are found by polling alone. */
  readonly dial?: Dial;
}

/** Opens no connection by itself; the first call does. */
export function createServiceCenterBackend(options: ServiceCenterOptions): RegistryBackend {
  const { addresses, fetch, clock, random, logger, credentials, dial, probe } = options;
  const closed = new AbortController();
  const timeoutMs = options.timeoutMs ?? 5_000;
  const signs = new RegistrySigns(clock);
  const own = new OwnService();
  own.whenLost(() => signs.forgot("it lost the own service"), closed.signal);
  const http = new ServiceCenterHttp({
    addresses,
    fetch,
    clock,
    random,
    start: Math.floor(random() * Math.max(1, addresses.length)),
    project: options.project ?? "default",
    domain: options.domain ?? "default",
    timeoutMs,
    isolateMs: 30_000,
    ...(probe ? { probe } : {}),
    ...(options.place ? { place: options.place } : {}),
    ...(credentials
      ? {
        tokens: new TokenSource({
          credentials,
          fetch,
          clock,
          logger,
          timeoutMs,
          closed: closed.signal,
        }),
      }
      : {}),
    signs,
    closed: closed.signal,
  });
  return {
    kind: "service center",
    address: addresses.join(","),
    discovery: new ServiceCenterDiscovery(http, { own, clock, logger }),
    registrar: new ServiceCenterRegistrar(http, {
      own,
      clock,
      logger,
      version: options.version,
      allowCrossApp: options.allowCrossApp ?? false,
    }),
    ...(dial
      ? {
        watch: new ServiceCenterWatch(http, {
          own,
          dial,
          clock,
          random,
          logger,
          timeoutMs,
          closed: closed.signal,
        }),
      }
      : {}),
    lastSign: () => signs.last,
    close() {
      closed.abort();
      return Promise.resolve();
    },
  };
}
