/** Keeps one own instance in a Service Center: service record, instance, lease, status. */
import type { Clock, Logger } from "../../core/ports.ts";
import type { InstanceStatus } from "../../core/types.ts";
import { type Lease, type Registrar, type Registration, RegistryError } from "./registry.ts";
import type { OwnService } from "./own_service.ts";
import type { Answer, Call, ServiceCenterHttp } from "./service_center_http.ts";
import {
  instancePath,
  type InstanceRecord,
  instanceRecord,
  isStored,
} from "./service_center_instance.ts";
import { readId, readServiceProperties, readStoredInstance } from "./service_center_records.ts";
import { uploadSchemas } from "./service_center_schemas.ts";

export interface RegistrarOptions {
  readonly own: OwnService;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly version: string;
  readonly allowCrossApp: boolean;
}

const crossAppProperty = "allowCrossApp";
const maxAlias = 128;

export class ServiceCenterRegistrar implements Registrar {
  readonly #http: ServiceCenterHttp;
  readonly #options: RegistrarOptions;
  #saidOpen = false;

  constructor(http: ServiceCenterHttp, options: RegistrarOptions) {
    this.#http = http;
    this.#options = options;
  }

  async register(registration: Registration, signal: AbortSignal): Promise<Lease> {
    let { serviceId, anew } = await this.#service(registration, signal);
    await this.#describe(serviceId, registration, signal);
    let instanceId = await this.#instance(serviceId, registration, signal);
    if (instanceId === undefined) {
      // The existence check is answered from a cache: the service may be gone although it was just found.
      serviceId = await this.#createService(registration, signal);
      anew = true;
      await this.#describe(serviceId, registration, signal);
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
    return this.#http.signs.silentAtMs;
  }

  async #onLease(call: Call, signal: AbortSignal): Promise<void> {
    const answer = await this.#http.call(call, signal);
    if (answer.kind === "ok") return;
    if (answer.decision === "register_again" || answer.decision === "recreate_service") {
      this.#http.signs.forgot("it lost the own instance");
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
      ...(registration.schemas ? { schemas: registration.schemas.map((one) => one.id) } : {}),
      ...(this.#options.allowCrossApp ? { properties: { [crossAppProperty]: "true" } } : {}),
    };
    const answer = await this.#http.call(
      { kind: "create_service", method: "POST", path: "/microservices", body: { service } },
      signal,
    );
    if (answer.kind === "error") throw refused("create the service", answer);
    return readId(answer.body, "serviceId");
  }

  async #describe(
    serviceId: string,
    { schemas }: Registration,
    signal: AbortSignal,
  ): Promise<void> {
    if (schemas === undefined || schemas.length === 0) return;
    const { logger } = this.#options;
    await uploadSchemas(this.#http, { serviceId, schemas, logger, signal });
  }

  /**
   * A service that was created earlier keeps its old record; the one property that matters is added to it.
   *
   * Shape: it is never taken away again, since the record belongs to all instances of the version, and another one
   * may need it; that it is there although this configuration does not ask for it is said once.
   */
  async #allowCrossApp(serviceId: string, signal: AbortSignal): Promise<void> {
    const path = `/microservices/${encodeURIComponent(serviceId)}`;
    if (!this.#options.allowCrossApp) return await this.#sayOpen(path, signal);
    const properties = await this.#propertiesAt(path, signal);
    if (properties === undefined || isOpen(properties)) return;
    const body = { properties: { ...properties, [crossAppProperty]: "true" } };
    const put = await this.#http.call(
      { kind: "properties", method: "PUT", path: `${path}/properties`, body },
      signal,
    );
    if (put.kind === "error" && put.decision !== "recreate_service") {
      throw refused("allow other applications", put);
    }
  }

  /** Errors: RegistryError `unreachable`; nothing else that goes wrong here may stop a registration. */
  async #sayOpen(path: string, signal: AbortSignal): Promise<void> {
    if (this.#saidOpen) return;
    let properties: Readonly<Record<string, string>> | undefined;
    try {
      properties = await this.#propertiesAt(path, signal);
    } catch (error) {
      if (error instanceof RegistryError && error.code !== "unreachable") return;
      throw error;
    }
    this.#saidOpen = true;
    if (properties === undefined || !isOpen(properties)) return;
    this.#options.logger.warn(
      `allow_cross_app is false, but the registry still lets other applications find this service: its record ` +
        `says ${crossAppProperty}=true from earlier. All instances of the version share the record, so it is left ` +
        `alone; to end it, PUT the properties without it to ${path}/properties of the registry, or register another ` +
        `version`,
    );
  }

  async #propertiesAt(
    path: string,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, string>> | undefined> {
    const answer = await this.#http.call({ kind: "own_service", method: "GET", path }, signal);
    return answer.kind === "error" ? undefined : readServiceProperties(answer.body);
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
    if (isStored(wanted, stored)) return stored.status;
    await this.deregister(lease, signal);
    return undefined;
  }
}

function isOpen(properties: Readonly<Record<string, string>>): boolean {
  return properties[crossAppProperty]?.toLowerCase() === "true";
}

function refused(what: string, answer: Answer & { readonly kind: "error" }): RegistryError {
  return new RegistryError("refused", `the registry refused to ${what}: ${answer.message}`);
}
