/** What the registry holds about services and instances, and the JSON in which clients see it. */
import type { InstanceStatus } from "../../core/types.ts";

/** A map of strings. A real Map, so that a key such as `__proto__` is a key like any other. */
export type Texts = ReadonlyMap<string, string>;

export interface HealthCheck {
  readonly mode: "push" | "pull";
  readonly port: number;
  readonly intervalSeconds: number;
  readonly times: number;
  readonly url: string;
}

export interface DataCenter {
  readonly name: string;
  readonly region: string;
  readonly availableZone: string;
}

/** What a client says about an instance, checked and with defaults filled in. */
export interface InstanceFields {
  readonly hostName: string;
  readonly endpoints: readonly string[];
  readonly status: InstanceStatus;
  readonly properties: Texts;
  readonly healthCheck: HealthCheck;
  readonly dataCenter: DataCenter | undefined;
}

/** One instance. Replaced, never changed in place, except for its lease. */
export interface InstanceRecord extends InstanceFields {
  readonly instanceId: string;
  readonly service: ServiceRecord;
  /** Units: seconds since 1970, as text. */
  readonly createdAt: string;
  readonly modifiedAt: string;
  /** Grows with every change of content anywhere in the registry; never with a heartbeat. */
  readonly change: number;
  readonly lease: LeaseState;
  /** What the instance says itself, while a status set for many lies over it. */
  readonly covered: CoveredStatus | undefined;
}

/** The part of an instance's own record that differs from what others see. Units: as in the instance. */
export interface CoveredStatus {
  readonly status: InstanceStatus;
  readonly modifiedAt: string;
  readonly change: number;
}

/** The one mutable part of an instance. Units: milliseconds of the injected monotonic clock. */
export interface LeaseState {
  readonly ttlMs: number;
  expiresAtMs: number;
  /** Set while a mass expiry is not believed: the instance stays listed until then. */
  heldUntilMs: number | undefined;
  /** Read from disk and not heard of since the start. */
  restored: boolean;
}

export interface SchemaRecord {
  readonly summary: string;
  readonly text: string;
}

/** What a client says about a service, checked and with defaults filled in. */
export interface ServiceFields {
  readonly appId: string;
  readonly serviceName: string;
  readonly version: string;
  readonly environment: string;
  readonly alias: string;
  readonly description: string;
  readonly level: string;
  readonly status: string;
  readonly schemaIds: readonly string[];
  readonly paths: readonly unknown[];
  readonly providers: readonly unknown[];
  readonly loadBalancing: Texts;
  readonly properties: Texts;
  readonly registerBy: string;
  readonly framework: { readonly name: string; readonly version: string } | undefined;
}

/** One version of one service with everything that hangs on it. */
export interface ServiceRecord extends Omit<ServiceFields, "schemaIds" | "properties"> {
  readonly serviceId: string;
  readonly createdAt: string;
  readonly instances: Map<string, InstanceRecord>;
  readonly schemas: Map<string, SchemaRecord>;
  schemaIds: readonly string[];
  properties: Texts;
  tags: Texts;
  modifiedAt: string;
  /** Answers built from the instances; dropped at the next change of one of them. */
  cache: ServiceCache | undefined;
}

/** Texts that many answers share. */
export interface ServiceCache {
  /** The instances as JSON, comma-separated, without brackets. */
  readonly listed: string;
  /** The same without properties, as the overview shows them; built on demand. */
  overview: string | undefined;
  /** `change` of every instance, ascending. */
  readonly changes: readonly number[];
}

/** True when calls from other apps are allowed. */
export function allowsCrossApp(service: ServiceRecord): boolean {
  return service.properties.get("allowCrossApp")?.toLowerCase() === "true";
}

/**
 * The JSON object of a service.
 *
 * Shape: empty texts, lists and maps are left out, never null: some clients fail on null.
 */
export function serviceJson(
  service: ServiceRecord,
  options: { readonly withSchemas?: boolean } = {},
): Record<string, unknown> {
  return {
    serviceId: service.serviceId,
    appId: service.appId,
    serviceName: service.serviceName,
    version: service.version,
    description: textOrNone(service.description),
    level: service.level,
    schemas: options.withSchemas === false ? undefined : listOrNone(service.schemaIds),
    paths: listOrNone(service.paths),
    status: service.status,
    properties: textsOrNone(service.properties),
    timestamp: service.createdAt,
    providers: listOrNone(service.providers),
    alias: textOrNone(service.alias),
    LBStrategy: textsOrNone(service.loadBalancing),
    modTimestamp: service.modifiedAt,
    environment: textOrNone(service.environment),
    registerBy: textOrNone(service.registerBy),
    framework: service.framework && {
      name: textOrNone(service.framework.name),
      version: textOrNone(service.framework.version),
    },
  };
}

/** The JSON object of an instance. Shape: as for a service; `version` is that of its service. */
export function instanceJson(
  instance: InstanceRecord,
  options: { readonly withProperties?: boolean } = {},
): Record<string, unknown> {
  const { healthCheck: check, dataCenter } = instance;
  return {
    instanceId: instance.instanceId,
    serviceId: instance.service.serviceId,
    endpoints: listOrNone(instance.endpoints),
    hostName: instance.hostName,
    status: instance.status,
    properties: options.withProperties === false ? undefined : textsOrNone(instance.properties),
    healthCheck: {
      mode: check.mode,
      port: check.port === 0 ? undefined : check.port,
      interval: check.intervalSeconds,
      times: check.times,
      url: textOrNone(check.url),
    },
    timestamp: instance.createdAt,
    dataCenterInfo: dataCenter,
    modTimestamp: instance.modifiedAt,
    version: instance.service.version,
  };
}

/** The cached texts of a service's instances, built when they are not there. */
export function cacheOf(service: ServiceRecord): ServiceCache {
  if (service.cache) return service.cache;
  const instances = [...service.instances.values()];
  service.cache = {
    listed: instances.map((one) => JSON.stringify(instanceJson(one))).join(","),
    overview: undefined,
    changes: instances.map((one) => one.change).sort((a, b) => a - b),
  };
  return service.cache;
}

/** The cached instances of a service without their properties. */
export function overviewOf(service: ServiceRecord): string {
  const cache = cacheOf(service);
  cache.overview ??= [...service.instances.values()]
    .map((one) => JSON.stringify(instanceJson(one, { withProperties: false }))).join(",");
  return cache.overview;
}

/** A plain object for JSON. Shape: undefined for an empty map. */
export function textsOrNone(texts: Texts): Record<string, string> | undefined {
  return texts.size === 0 ? undefined : Object.fromEntries(texts);
}

export function listOrNone<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

function textOrNone(text: string): string | undefined {
  return text === "" ? undefined : text;
}
