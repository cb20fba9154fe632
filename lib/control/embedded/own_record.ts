/** The registry's own entry: clients that look for more registry addresses find this process under a fixed name. */
import type { Clock, Random } from "../../core/ports.ts";
import { randomHex } from "./ids.ts";
import { leaseTimes, ttlMs } from "./lease_times.ts";
import type { NameKey } from "./partition.ts";
import type { InstanceRecord, ServiceRecord } from "./records.ts";
import { sha1Hex } from "../../core/sha1.ts";

const ownAppId = "default";
const ownServiceName = "SERVICECENTER";

export interface OwnRecordOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** `host:port`. Shape: a function while the port is not known yet. */
  readonly selfAddress: string | (() => string);
  readonly hostName: string;
}

/** The one service that is seen from every tenant, project and environment. */
export class OwnRecord {
  readonly service: ServiceRecord;
  readonly #instanceId: string;
  readonly #address: () => string;
  readonly #hostName: string;

  constructor(options: OwnRecordOptions) {
    const { selfAddress } = options;
    this.#address = typeof selfAddress === "string" ? () => selfAddress : selfAddress;
    this.#hostName = options.hostName.slice(0, 64) || "localhost";
    this.#instanceId = randomHex(options.random, 32);
    const seconds = String(Math.floor(options.clock.wall() / 1000));
    this.service = {
      appId: ownAppId,
      serviceName: ownServiceName,
      version: "0.0.1",
      environment: "",
      alias: "",
      description: "",
      level: "BACK",
      status: "UP",
      registerBy: "SDK",
      schemaIds: [],
      paths: [],
      providers: [],
      loadBalancing: new Map(),
      properties: new Map([["allowCrossApp", "true"]]),
      framework: undefined,
      serviceId: sha1Hex(`/cse-sr/ms/indexes/default/default//${ownAppId}/${ownServiceName}/0.0.1`),
      createdAt: seconds,
      modifiedAt: seconds,
      instances: new Map(),
      schemas: new Map(),
      tags: new Map(),
      cache: undefined,
    };
  }

  byId(serviceId: string): ServiceRecord | undefined {
    return serviceId === this.service.serviceId ? this.#refreshed() : undefined;
  }

  byName(key: NameKey): ServiceRecord | undefined {
    const fits = key.appId === ownAppId && key.serviceName === ownServiceName;
    return fits ? this.#refreshed() : undefined;
  }

  /** The own instance with the address as it is now. */
  get instance(): InstanceRecord {
    return this.#refreshed().instances.get(this.#instanceId)!;
  }

  #refreshed(): ServiceRecord {
    const endpoint = `rest://${this.#address()}/`;
    const known = this.service.instances.get(this.#instanceId);
    if (known?.endpoints[0] === endpoint) return this.service;
    const healthCheck = leaseTimes({
      mode: "push",
      port: 0,
      intervalSeconds: 30,
      times: 3,
      url: "",
    });
    this.service.instances.set(this.#instanceId, {
      instanceId: this.#instanceId,
      service: this.service,
      hostName: this.#hostName,
      endpoints: [endpoint],
      status: "UP",
      properties: new Map(),
      healthCheck,
      dataCenter: undefined,
      createdAt: this.service.createdAt,
      modifiedAt: this.service.createdAt,
      change: 0,
      lease: {
        ttlMs: ttlMs(healthCheck),
        expiresAtMs: Infinity,
        heldUntilMs: undefined,
        restored: false,
      },
      covered: undefined,
    });
    this.service.cache = undefined;
    return this.service;
  }
}
