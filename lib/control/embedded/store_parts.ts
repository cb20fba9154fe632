/** What goes into the store and what comes out of it: wishes of clients, new records, events. */
import type { ChangeMark } from "./cover.ts";
import type { Partition } from "./partition.ts";
import type {
  CoveredStatus,
  InstanceFields,
  InstanceRecord,
  ServiceFields,
  ServiceRecord,
} from "./records.ts";
import { sha1Hex } from "../../core/sha1.ts";

/** What watchers are told about. The record is the last one, for a removal too. */
export interface StoreEvent {
  readonly action: "CREATE" | "UPDATE" | "DELETE";
  readonly partition: Partition;
  readonly instance: InstanceRecord;
}

/** Whoever wants to hear of changes. Called synchronously, inside the change. */
export interface StoreListener {
  /** An instance came, changed or went. */
  instance?(event: StoreEvent): void;
  /** A service was deleted. */
  serviceGone?(partition: Partition, service: ServiceRecord): void;
  /** Anything that is kept on disk changed. */
  changed?(): void;
}

/** A service as a client asks for it. */
export interface AskedService {
  /** Empty when the client leaves the choice to the registry. */
  readonly serviceId: string;
  readonly service: ServiceFields;
  /** Given for a record that is read back from disk. */
  readonly times?: RecordTimes;
}

/** An instance as a client asks for it. */
export interface AskedInstance {
  readonly instanceId: string;
  readonly instance: InstanceFields;
  /** Given for a record that is read back from disk. */
  readonly times?: RecordTimes;
  /** Given for one read back that had a status of many over its own. */
  readonly covered?: Omit<CoveredStatus, "change">;
}

/** Units: seconds since 1970, as text. */
export interface RecordTimes {
  readonly createdAt: string;
  readonly modifiedAt: string;
}

/**
 * The record of a service that is not there yet.
 *
 * Shape: an id that the client did not choose is derived from the key alone, so that whoever held it before all memory
 * was lost gets the same one again; `spareId` is for the case that somebody chose just that id for another service.
 */
export function newServiceRecord(
  partition: Partition,
  asked: AskedService,
  options: { readonly seconds: string; readonly spareId: string },
): ServiceRecord {
  const { environment, appId, serviceName, version } = asked.service;
  const derived = sha1Hex(
    `/cse-sr/ms/indexes/${partition.tenant}/${environment}/${appId}/${serviceName}/${version}`,
  );
  const free = partition.services.has(derived) ? options.spareId : derived;
  return {
    ...asked.service,
    serviceId: asked.serviceId === "" ? free : asked.serviceId,
    createdAt: asked.times?.createdAt ?? options.seconds,
    modifiedAt: asked.times?.modifiedAt ?? options.seconds,
    instances: new Map(),
    schemas: new Map(),
    tags: new Map(),
    cache: undefined,
  };
}

/** The record of an instance that is registered, or registered again with other data. */
export function newInstanceRecord(
  service: ServiceRecord,
  asked: AskedInstance,
  options: {
    readonly living: InstanceRecord | undefined;
    /** For a client that leaves the choice to the registry. */
    readonly spareId: string;
    readonly ttlMs: number;
    readonly expiresAtMs: number;
    readonly nextMark: () => ChangeMark;
  },
): InstanceRecord {
  const { living, spareId, ttlMs, expiresAtMs, nextMark } = options;
  const covered = asked.covered && { ...nextMark(), ...asked.covered };
  const { modifiedAt, change } = nextMark();
  return {
    ...asked.instance,
    instanceId: asked.instanceId === "" ? spareId : asked.instanceId,
    service,
    createdAt: living?.createdAt ?? asked.times?.createdAt ?? modifiedAt,
    modifiedAt: asked.times?.modifiedAt ?? modifiedAt,
    change,
    lease: {
      ttlMs,
      expiresAtMs,
      heldUntilMs: undefined,
      restored: asked.times !== undefined,
    },
    covered,
  };
}

/** True when both say the same about an instance. */
export function sameFields(a: InstanceFields, b: InstanceFields): boolean {
  return a.hostName === b.hostName && a.status === b.status &&
    JSON.stringify([a.endpoints, [...a.properties], a.healthCheck, a.dataCenter]) ===
      JSON.stringify([b.endpoints, [...b.properties], b.healthCheck, b.dataCenter]);
}
