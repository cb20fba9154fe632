/** Keeps one own instance in a Service Center: service record, instance, lease, status. */
import type { Clock } from "../../core/ports.ts";
import type { InstanceStatus } from "../../core/types.ts";
import { type Lease, type Registrar, type Registration, RegistryError } from "./registry.ts";
import type { OwnService } from "./own_service.ts";
import type { Answer, Call, ServiceCenterHttp } from "./service_center_http.ts";
import { readId, readServiceProperties, readStoredInstance } from "./service_center_records.ts";

export interface RegistrarOptions {
  readonly own: OwnService;
  readonly clock: Clock;
  readonly version: string;
  readonly allowCrossApp: boolean;
}

const crossAppProperty = "allowCrossApp";
/** Longer host names are refused by the registry. */
const maxHostName = 64;
const maxAlias = 128;
/** The registry raises shorter leases to these. Units: seconds, and a count. */
const minInterval = 5;
const minTimes = 3;

export class ServiceCenterRegistrar implements Registrar {
  readonly #http: ServiceCenterHttp;
  readonly #options: RegistrarOptions;

  constructor(http: ServiceCenterHttp, options: RegistrarOptions) {
    this.#http = http;
    this.#options = options;
  }

  async register(registration: Registration, signal: AbortSignal): Promise<Lease> {
    let { serviceId, anew } = await this.#service(registration, signal);
    let instanceId = await this.#instance(serviceId, registration, signal);
    if (instanceId === undefined) {
      // The existence check is answered from a cache: the service may be gone although it was just found.
      serviceId = await this.#createService(registration, signal);
      anew = true;
      instanceId = await this.#instance(serviceId, registration, signal);
    }
    if (instanceId === undefined) {
      throw new RegistryError(
        "refused",
        "the registry does not know the service it has just created",
      );
    }
    this.#options.own.known(serviceId, this.#options.clock.now(), { anew });
    return { serviceId, instanceId };
  }

  async heartbeat(lease: Lease, signal: AbortSignal): Promise<void> {
    const path = `${instancePath(lease)}/heartbeat`;
    await this.#onLease({ kind: "heartbeat", method: "PUT", path }, signal);
  }

  async setStatus(lease: Lease, status: InstanceStatus, signal: AbortSignal): Promise<void> {
    const path = `${instancePath(lease)}/status?value=${status}`;
    await this.#onLease({ kind: "status", method: "PUT", path }, signal);
  }

  async deregister(lease: Lease, signal: AbortSignal): Promise<void> {
    const answer = await this.#http.call(
      { kind: "deregister", method: "DELETE", path: instancePath(lease) },
      signal,
    );
    if (answer.kind === "ok" || answer.decision === "take") return;
    throw refused("deregister the instance", answer);
  }

  whenLost(listener: () => void, signal: AbortSignal): void {
    this.#options.own.whenLost(listener, signal);
  }

  disturbedAtMs(): number | undefined {
    return this.#http.disturbedAtMs;
  }

  async #onLease(call: Call, signal: AbortSignal): Promise<void> {
    const answer = await this.#http.call(call, signal);
    if (answer.kind === "ok") return;
    if (answer.decision === "register_again" || answer.decision === "recreate_service") {
      throw new RegistryError("lease_lost", `the registry lost the instance: ${answer.message}`);
    }
    throw refused("renew the instance", answer);
  }

  async #service(
    registration: Registration,
    signal: AbortSignal,
  ): Promise<{ readonly serviceId: string; readonly anew: boolean }> {
    const { app, name, version, environment } = registration.key;
    const path = `/existence?type=microservice&appId=${encodeURIComponent(app)}` +
      `&serviceName=${encodeURIComponent(name)}&version=${encodeURIComponent(version)}` +
      `&env=${encodeURIComponent(environment)}`;
    const answer = await this.#http.call({ kind: "existence", method: "GET", path }, signal);
    if (answer.kind === "ok") {
      const serviceId = readId(answer.body, "serviceId");
      await this.#allowCrossApp(serviceId, signal);
      return { serviceId, anew: false };
    }
    if (answer.decision !== "create_service") throw refused("look for the service", answer);
    return { serviceId: await this.#createService(registration, signal), anew: true };
  }

  async #createService(registration: Registration, signal: AbortSignal): Promise<string> {
    const { app, name, version, environment } = registration.key;
    const alias = `${app}:${name}`;
    const service = {
      appId: app,
      serviceName: name,
      version,
      environment,
      status: "UP",
      registerBy: "SIDECAR",
      framework: { name: "mesher", version: this.#options.version },
      ...(alias.length <= maxAlias ? { alias } : {}),
      ...(this.#options.allowCrossApp ? { properties: { [crossAppProperty]: "true" } } : {}),
    };
    const answer = await this.#http.call(
      { kind: "create_service", method: "POST", path: "/microservices", body: { service } },
      signal,
    );
    if (answer.kind === "error") throw refused("create the service", answer);
    return readId(answer.body, "serviceId");
  }

  /** A service that was created earlier keeps its old record; the one property that matters is added to it. */
  async #allowCrossApp(serviceId: string, signal: AbortSignal): Promise<void> {
    if (!this.#options.allowCrossApp) return;
    const path = `/microservices/${encodeURIComponent(serviceId)}`;
    const answer = await this.#http.call({ kind: "own_service", method: "GET", path }, signal);
    if (answer.kind === "error") return;
    const properties = readServiceProperties(answer.body);
    if (properties[crossAppProperty]?.toLowerCase() === "true") return;
    const body = { properties: { ...properties, [crossAppProperty]: "true" } };
    const put = await this.#http.call(
      { kind: "properties", method: "PUT", path: `${path}/properties`, body },
      signal,
    );
    if (put.kind === "error" && put.decision !== "recreate_service") {
      throw refused("allow other applications", put);
    }
  }

  /** The instance id, or undefined when the registry does not know the service. */
  async #instance(
    serviceId: string,
    registration: Registration,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { instanceId, status } = registration;
    const wanted = instanceRecord(registration);
    const kept = instanceId === undefined
      ? undefined
      : await this.#keptInstance({ serviceId, instanceId }, { wanted, signal });
    const answer = await this.#http.call({
      kind: "register",
      method: "POST",
      path: `/microservices/${encodeURIComponent(serviceId)}/instances`,
      body: { instance: { ...wanted, serviceId } },
    }, signal);
    if (answer.kind === "error") {
      if (answer.decision === "recreate_service") return undefined;
      throw refused("register the instance", answer);
    }
    const lease = { serviceId, instanceId: readId(answer.body, "instanceId") };
    if (kept !== undefined && kept !== status) await this.setStatus(lease, status, signal);
    return lease.instanceId;
  }

  /**
   * The status of a living instance under the own id that may stay as it is, undefined when there is none.
   *
   * Registering under a living id counts as a heartbeat and stores nothing, so one with other data is removed first.
   */
  async #keptInstance(
    lease: Lease,
    options: { readonly wanted: InstanceRecord; readonly signal: AbortSignal },
  ): Promise<string | undefined> {
    const { wanted, signal } = options;
    const path = `${instancePath(lease)}?noCache=1`;
    const answer = await this.#http.call({ kind: "own_instance", method: "GET", path }, signal);
    if (answer.kind === "error") {
      if (answer.decision === "take") return undefined;
      throw refused("read the own instance", answer);
    }
    const stored = readStoredInstance(answer.body);
    const { dataCenterInfo: place, healthCheck } = wanted;
    const same = stored.hostName === wanted.hostName &&
      stored.region === (place?.region ?? "") && stored.zone === (place?.availableZone ?? "") &&
      (stored.lease === undefined ||
        (stored.lease.interval === Math.max(minInterval, healthCheck.interval) &&
          stored.lease.times === Math.max(minTimes, healthCheck.times))) &&
      sameList(stored.endpoints, wanted.endpoints) &&
      sameMap(stored.properties, wanted.properties);
    if (same) return stored.status;
    await this.deregister(lease, signal);
    return undefined;
  }
}

interface InstanceRecord {
  readonly hostName: string;
  readonly endpoints: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
  readonly healthCheck: {
    readonly mode: "push";
    readonly interval: number;
    readonly times: number;
  };
  readonly dataCenterInfo?: {
    readonly name: string;
    readonly region: string;
    readonly availableZone: string;
  };
  readonly [field: string]: unknown;
}

function instanceRecord(registration: Registration): InstanceRecord {
  const { instanceId, hostName, endpoints, properties, status, lease, region, zone } = registration;
  return {
    ...(instanceId === undefined ? {} : { instanceId }),
    hostName: hostName.slice(0, maxHostName),
    endpoints,
    status,
    properties,
    healthCheck: {
      mode: "push",
      interval: Math.max(1, Math.round(lease.intervalMs / 1000)),
      times: lease.times,
    },
    // The registry demands all three parts or none.
    ...(region && zone ? { dataCenterInfo: { name: region, region, availableZone: zone } } : {}),
  };
}

function instancePath(lease: Lease): string {
  return `/microservices/${encodeURIComponent(lease.serviceId)}/instances/${
    encodeURIComponent(lease.instanceId)
  }`;
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}

function sameMap(
  a: Readonly<Record<string, string>>,
  b: Readonly<Record<string, string>>,
): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

function refused(what: string, answer: Answer & { readonly kind: "error" }): RegistryError {
  return new RegistryError("refused", `the registry refused to ${what}: ${answer.message}`);
}
