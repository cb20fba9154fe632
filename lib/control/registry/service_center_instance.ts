/** The own instance as a Service Center stores it: from a registration to its record, and whether one is there already. */
import type { Lease, Registration } from "./registry.ts";
import type { StoredInstance } from "./service_center_records.ts";

/** Longer host names are refused by the registry. */
const maxHostName = 64;
/** The registry raises shorter leases to these. Units: seconds, and a count. */
const minInterval = 5;
const minTimes = 3;

/** What an own instance looks like in the registry. */
export interface InstanceRecord {
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

/** The record of a registration. */
export function instanceRecord(registration: Registration): InstanceRecord {
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

/** Where an instance is in the registry's interface. */
export function instancePath(lease: Lease): string {
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

/** Whether the registry has just this record. The status does not count; it can be changed by itself. */
export function isStored(wanted: InstanceRecord, stored: StoredInstance): boolean {
  const { dataCenterInfo: place, healthCheck } = wanted;
  return stored.hostName === wanted.hostName &&
    stored.region === (place?.region ?? "") && stored.zone === (place?.availableZone ?? "") &&
    (stored.lease === undefined ||
      (stored.lease.interval === Math.max(minInterval, healthCheck.interval) &&
        stored.lease.times === Math.max(minTimes, healthCheck.times))) &&
    sameList(stored.endpoints, wanted.endpoints) &&
    sameMap(stored.properties, wanted.properties);
}
