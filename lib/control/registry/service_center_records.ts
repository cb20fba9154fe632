/** Reads a Service Center's records into the words of this program, believing nothing about their types. */
import { parseEndpoint } from "../../core/address.ts";
import type { Endpoint, Instance, InstanceStatus } from "../../core/types.ts";
import { type NamesScope, RegistryError, type ServiceQuery } from "./registry.ts";

export interface InstanceList {
  readonly instances: readonly Instance[];
  /** One sentence for each record or endpoint that was left out. */
  readonly dropped: readonly string[];
}

const statuses: ReadonlySet<string> = new Set<InstanceStatus>([
  "UP",
  "DOWN",
  "STARTING",
  "TESTING",
  "OUTOFSERVICE",
]);

/** The registry lists itself under this name; nobody calls it through the mesh. */
const registryOwnName = "SERVICECENTER";

/** A value that is an object with string keys, or undefined. */
function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Readonly<Record<string, unknown>>
    : undefined;
}

function asArray(value: unknown): readonly unknown[] | undefined {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : undefined;
}

function garbled(what: string): RegistryError {
  return new RegistryError("garbled", `the registry's answer makes no sense: ${what}`);
}

/**
 * Reads the answer to a find.
 *
 * Shape: a record that makes no sense is left out and named in `dropped`; of records with one id the first counts.
 * Errors: RegistryError `garbled` when the whole is not of the right type, or when not one of its records is.
 */
export function readInstances(body: unknown, query: ServiceQuery): InstanceList {
  const list = asArray(asObject(body)?.instances);
  if (!asObject(body) || !list) throw garbled("instances is not a list");
  const instances = new Map<string, Instance>();
  const dropped: string[] = [];
  for (const [index, item] of list.entries()) {
    const record = asObject(item);
    const id = record?.instanceId;
    if (!record || typeof id !== "string" || id === "") {
      dropped.push(`instance ${index} has no instanceId`);
    } else if (instances.has(id)) {
      dropped.push(`instance ${id} is listed twice`);
    } else {
      const instance = readInstance(record, { id, query, dropped });
      if (instance) instances.set(id, instance);
    }
  }
  // An answer of which nothing can be used must not pass for an empty set.
  if (list.length > 0 && instances.size === 0) throw garbled(dropped.slice(0, 3).join("; "));
  return { instances: [...instances.values()], dropped };
}

/** The answer to one item of a batch. */
export type BatchItem =
  /** `body` is what a single find would have answered. */
  | { readonly kind: "set"; readonly revision: string; readonly body: unknown }
  | { readonly kind: "unchanged" }
  | { readonly kind: "failed"; readonly errorCode: string };

/**
 * Reads the answer to a batch find.
 *
 * Shape: by the index of the item; undefined where the registry said nothing about it.
 * Errors: RegistryError `garbled` when the whole is not of the right type.
 */
export function readBatch(body: unknown, count: number): readonly (BatchItem | undefined)[] {
  const parts = asObject(asObject(body)?.services);
  const updated = asArray(parts?.updated);
  const unchanged = asArray(parts?.notModified);
  const failed = asArray(parts?.failed);
  if (!parts || !updated || !unchanged || !failed) throw garbled("services is not a batch answer");
  const items = new Array<BatchItem | undefined>(count).fill(undefined);
  const put = (index: unknown, item: BatchItem) => {
    if (typeof index === "number" && Number.isInteger(index) && index >= 0 && index < count) {
      items[index] ??= item;
    }
  };
  for (const entry of updated.map(asObject)) {
    const revision = typeof entry?.rev === "string" ? entry.rev : "";
    if (entry) put(entry.index, { kind: "set", revision, body: { instances: entry.instances } });
  }
  for (const index of unchanged) put(index, { kind: "unchanged" });
  for (const entry of failed.map(asObject)) {
    const code = asObject(entry?.error)?.errorCode;
    const errorCode = typeof code === "string" ? code : "";
    for (const index of asArray(entry?.indexes) ?? []) put(index, { kind: "failed", errorCode });
  }
  return items;
}

interface ReadContext {
  readonly id: string;
  readonly query: ServiceQuery;
  readonly dropped: string[];
}

function readInstance(
  record: Readonly<Record<string, unknown>>,
  context: ReadContext,
): Instance | undefined {
  const { id, query, dropped } = context;
  const texts = asArray(record.endpoints);
  const properties = record.properties === null || record.properties === undefined
    ? {}
    : asObject(record.properties);
  if (!texts || !properties) {
    dropped.push(`instance ${id} has ${texts ? "properties" : "endpoints"} of the wrong type`);
    return undefined;
  }
  const endpoints: Endpoint[] = [];
  for (const text of texts) {
    const endpoint = typeof text === "string" ? parseEndpoint(text) : undefined;
    if (endpoint) endpoints.push(endpoint);
    else {dropped.push(
        `instance ${id} has the unusable endpoint ${JSON.stringify(text).slice(0, 80)}`,
      );}
  }
  if (texts.length > 0 && endpoints.length === 0) return undefined;
  const centre = asObject(record.dataCenterInfo);
  return {
    instanceId: id,
    serviceId: typeof record.serviceId === "string" ? record.serviceId : "",
    app: query.app,
    serviceName: query.name,
    version: typeof record.version === "string" ? record.version : "",
    status: readStatus(record.status, context),
    endpoints,
    properties: readProperties(properties),
    ...(typeof centre?.region === "string" ? { region: centre.region } : {}),
    ...(typeof centre?.availableZone === "string" ? { zone: centre.availableZone } : {}),
  };
}

function readStatus(value: unknown, context: ReadContext): InstanceStatus {
  if (value === undefined || value === null || value === "") return "UP";
  if (typeof value === "string" && statuses.has(value)) return value as InstanceStatus;
  // The bulk status call of the original stores any text; whatever it means, it does not say that calls are wanted.
  context.dropped.push(`instance ${context.id} has the unknown status ${JSON.stringify(value)}`);
  return "DOWN";
}

/** Own properties with text values; `fromEntries` keeps a key named `__proto__` an ordinary key. */
function readProperties(source: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(source).flatMap(([key, value]) => {
      if (typeof value === "string") return [[key, value]];
      return value === null ? [[key, ""]] : [];
    }),
  );
}

/**
 * The distinct names of an application's services in one environment, sorted; of its shared ones where only those are
 * wanted.
 *
 * Errors: RegistryError `garbled` when the whole is not of the right type.
 */
export function readServiceNames(
  body: unknown,
  scope: NamesScope,
): readonly string[] {
  const list = asArray(asObject(body)?.services);
  if (!asObject(body) || !list) throw garbled("services is not a list");
  const names = new Set<string>();
  for (const item of list) {
    const record = asObject(item);
    if (!record || typeof record.serviceName !== "string") continue;
    if ((record.appId ?? "default") !== scope.app) continue;
    if ((record.environment ?? "") !== scope.environment) continue;
    if (scope.sharedOnly === true && !isShared(record)) continue;
    if (record.serviceName !== registryOwnName) names.add(record.serviceName);
  }
  return [...names].sort();
}

function isShared(record: Readonly<Record<string, unknown>>): boolean {
  const { allowCrossApp } = asObject(record.properties) ?? {};
  return typeof allowCrossApp === "string" && allowCrossApp.toLowerCase() === "true";
}

/** The string under `key`, for the two ids the registry hands out. Errors: RegistryError `garbled`. */
export function readId(body: unknown, key: "serviceId" | "instanceId"): string {
  const id = asObject(body)?.[key];
  if (typeof id !== "string" || id === "") throw garbled(`${key} is missing`);
  return id;
}

/** What the registry holds under an own instance id, as far as it is compared. */
export interface StoredInstance {
  readonly endpoints: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
  readonly hostName: string;
  readonly status: string;
  readonly region: string;
  readonly zone: string;
  /** Undefined when the record has none. */
  readonly lease: { readonly interval: unknown; readonly times: unknown } | undefined;
}

/** Errors: RegistryError `garbled`. */
export function readStoredInstance(body: unknown): StoredInstance {
  const record = asObject(asObject(body)?.instance);
  if (!record) throw garbled("instance is missing");
  const lease = asObject(record.healthCheck);
  return {
    endpoints: (asArray(record.endpoints) ?? []).map(String),
    properties: readProperties(asObject(record.properties) ?? {}),
    hostName: typeof record.hostName === "string" ? record.hostName : "",
    status: typeof record.status === "string" ? record.status : "",
    region: textOf(asObject(record.dataCenterInfo)?.region),
    zone: textOf(asObject(record.dataCenterInfo)?.availableZone),
    lease: lease && { interval: lease.interval, times: lease.times },
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The properties of a stored service. Errors: RegistryError `garbled`. */
export function readServiceProperties(body: unknown): Readonly<Record<string, string>> {
  const record = asObject(asObject(body)?.service);
  if (!record) throw garbled("service is missing");
  return readProperties(asObject(record.properties) ?? {});
}

/**
 * The summaries of a service's stored schemas, by schema id.
 *
 * Shape: schemas that are only named have none. Errors: RegistryError `garbled`.
 */
export function readSchemaSummaries(body: unknown): ReadonlyMap<string, string> {
  const list = asArray(asObject(body)?.schemas);
  if (!asObject(body) || !list) throw garbled("schemas is not a list");
  const summaries = new Map<string, string>();
  for (const item of list.map(asObject)) {
    if (typeof item?.schemaId !== "string" || typeof item.summary !== "string") continue;
    summaries.set(item.schemaId, item.summary);
  }
  return summaries;
}
