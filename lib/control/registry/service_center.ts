/** The Service Center backend: reads sets of instances and keeps the own one, over its REST interface version 4. */
import { isServiceName } from "../../core/names.ts";
import type { Clock, Fetch, Logger, Random } from "../../core/ports.ts";
import {
  type Discovery,
  type FindAnswer,
  type RegistryBackend,
  RegistryError,
  type ServiceQuery,
} from "./registry.ts";
import { OwnService } from "./own_service.ts";
import { type Answer, ServiceCenterHttp } from "./service_center_http.ts";
import { readInstances, readServiceNames } from "./service_center_records.ts";
import { ServiceCenterRegistrar } from "./service_center_registrar.ts";

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
}

/** The set of one service is far smaller than the list of all services may be. */
const maxFindBytes = 8 * 1024 * 1024;

/** Opens no connection by itself; the first call does. */
export function createServiceCenterBackend(options: ServiceCenterOptions): RegistryBackend {
  const { addresses, fetch, clock, random } = options;
  const closed = new AbortController();
  const http = new ServiceCenterHttp({
    addresses,
    fetch,
    clock,
    start: Math.floor(random() * Math.max(1, addresses.length)),
    project: options.project ?? "default",
    domain: options.domain ?? "default",
    timeoutMs: options.timeoutMs ?? 5_000,
    isolateMs: 30_000,
    closed: closed.signal,
  });
  const own = new OwnService();
  return {
    kind: "service center",
    address: addresses.join(","),
    discovery: new ServiceCenterDiscovery(http, { own, clock, logger: options.logger }),
    registrar: new ServiceCenterRegistrar(http, {
      own,
      clock,
      version: options.version,
      allowCrossApp: options.allowCrossApp ?? false,
    }),
    close() {
      closed.abort();
      return Promise.resolve();
    },
  };
}

interface DiscoveryContext {
  readonly own: OwnService;
  readonly clock: Clock;
  readonly logger: Logger;
}

class ServiceCenterDiscovery implements Discovery {
  readonly #http: ServiceCenterHttp;
  readonly #context: DiscoveryContext;
  /** Service name to the last warning about its records, so that a lasting defect is told once. */
  readonly #warned = new Map<string, string>();

  constructor(http: ServiceCenterHttp, context: DiscoveryContext) {
    this.#http = http;
    this.#context = context;
  }

  async find(
    query: ServiceQuery,
    revision: string | undefined,
    signal: AbortSignal,
  ): Promise<FindAnswer> {
    // The registry would refuse the name as malformed; a host name that is no service name is simply no service.
    if (!isServiceName(query.name)) return { kind: "unknown" };
    const { own, clock } = this.#context;
    const consumerId = own.consumerId(clock.now());
    const answer = await this.#ask(query, { revision, consumerId, signal });
    if (answer.kind === "ok") return this.#read(answer, { query, revision });
    if (answer.errorCode !== "400012") throw refused(answer.message);
    // The same code stands for an unknown provider and for an unknown caller.
    if (consumerId === undefined || await this.#ownServiceExists(consumerId, signal)) {
      return { kind: "unknown" };
    }
    own.lost(consumerId);
    const again = await this.#ask(query, { revision, consumerId: undefined, signal });
    if (again.kind === "ok") return this.#read(again, { query, revision });
    if (again.errorCode === "400012") return { kind: "unknown" };
    throw refused(again.message);
  }

  async names(
    scope: Omit<ServiceQuery, "name">,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const answer = await this.#http.call({ method: "GET", path: "/microservices" }, signal);
    if (answer.kind === "error") throw refused(answer.message);
    return readServiceNames(answer.body, scope);
  }

  #ask(
    query: ServiceQuery,
    options: {
      readonly revision: string | undefined;
      readonly consumerId: string | undefined;
      readonly signal: AbortSignal;
    },
  ): Promise<Answer> {
    const { revision, consumerId, signal } = options;
    // Old registries demand a version rule, new ones ignore it; `0+` is every version.
    const path = `/instances?appId=${encodeURIComponent(query.app)}` +
      `&serviceName=${encodeURIComponent(query.name)}&version=0%2B` +
      `&env=${encodeURIComponent(query.environment)}` +
      (revision ? `&rev=${encodeURIComponent(revision)}` : "");
    return this.#http.call({
      method: "GET",
      path,
      maxBytes: maxFindBytes,
      ...(consumerId === undefined ? {} : { consumerId }),
    }, signal);
  }

  #read(
    answer: Answer & { readonly kind: "ok" },
    asked: { readonly query: ServiceQuery; readonly revision: string | undefined },
  ): FindAnswer {
    if (answer.status === 304) {
      if (asked.revision) return { kind: "unchanged" };
      throw new RegistryError("garbled", "the registry answered 304 to a call without a revision");
    }
    const { instances, dropped } = readInstances(answer.body, asked.query);
    this.#warn(asked.query.name, dropped);
    return { kind: "set", revision: answer.revision ?? "", instances };
  }

  #warn(service: string, dropped: readonly string[]): void {
    const text = dropped.slice(0, 5).join("; ");
    if (text === "") this.#warned.delete(service);
    if (text === "" || this.#warned.get(service) === text) return;
    this.#warned.set(service, text);
    this.#context.logger.warn(`records of ${service} in the registry are not usable: ${text}`, {
      service,
      count: dropped.length,
    });
  }

  async #ownServiceExists(serviceId: string, signal: AbortSignal): Promise<boolean> {
    const path = `/microservices/${encodeURIComponent(serviceId)}`;
    const answer = await this.#http.call({ method: "GET", path }, signal);
    return answer.kind === "ok" || answer.errorCode !== "400012";
  }
}

function refused(message: string): RegistryError {
  return new RegistryError("refused", `the registry refused the call: ${message}`);
}
