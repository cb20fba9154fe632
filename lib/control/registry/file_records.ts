/** Reads the parsed list of a `file:` registry, naming the place and the expectation of everything that is wrong. */
import { formatHostPort, parseEndpoint } from "../../core/address.ts";
import { isServiceName } from "../../core/names.ts";
import type { Endpoint, Instance, InstanceStatus } from "../../core/types.ts";

/** One entry of the list; an application or environment that is left out fits every asker. */
export interface FileService {
  readonly service: string;
  readonly app?: string;
  readonly environment?: string;
  readonly instances: readonly Omit<Instance, "app">[];
}

/** What is wrong with the file and where. */
export class FileFormatError extends Error {
  override readonly name = "FileFormatError";
}

const statuses: readonly InstanceStatus[] = ["UP", "DOWN", "STARTING", "TESTING", "OUTOFSERVICE"];
const serviceKeys = ["service", "app", "environment", "version", "instances"];
const instanceKeys = [
  "id",
  "endpoint",
  "endpoints",
  "version",
  "properties",
  "status",
  "zone",
  "region",
];
const example = `"rest://10.0.0.7:8080"`;

/** Errors: FileFormatError; the first defect found. */
export function readFileServices(parsed: unknown): readonly FileService[] {
  // An empty file means no services, said on purpose.
  if (parsed === null || parsed === undefined) return [];
  const services = asList(parsed, "the file").map((item, i) => readService(item, `[${i}]`));
  const seen = new Map<string, string>();
  for (const [i, { service, app, environment, instances }] of services.entries()) {
    for (const { instanceId } of instances) {
      const key = JSON.stringify([service, app, environment, instanceId]);
      if (seen.has(key)) wrong(`[${i}]`, `instance "${instanceId}" is also in ${seen.get(key)}`);
      seen.set(key, `[${i}]`);
    }
  }
  return services;
}

function readService(item: unknown, at: string): FileService {
  const record = asRecord(item, at, serviceKeys);
  const service = asText(record.service, `${at}.service`);
  if (!isServiceName(service)) {
    wrong(`${at}.service`, `"${service}" is no service name: letters, digits and inner _ - . only`);
  }
  const version = record.version === undefined
    ? "0.0.1"
    : asVersion(record.version, `${at}.version`);
  const instances = asList(record.instances, `${at}.instances`).map((one, i) =>
    readInstance(one, { at: `${at}.instances[${i}]`, service, version })
  );
  return {
    service,
    instances,
    ...(record.app === undefined ? {} : { app: asText(record.app, `${at}.app`) }),
    ...(record.environment === undefined
      ? {}
      : { environment: asText(record.environment, `${at}.environment`) }),
  };
}

interface InstancePlace {
  readonly at: string;
  readonly service: string;
  readonly version: string;
}

function readInstance(item: unknown, place: InstancePlace): Omit<Instance, "app"> {
  const { at, service } = place;
  const record = typeof item === "string" ? { endpoint: item } : asRecord(item, at, instanceKeys);
  const endpoints = readEndpoints(record, at);
  const first = endpoints[0]!;
  const status = record.status === undefined ? "UP" : asText(record.status, `${at}.status`);
  if (!isStatus(status)) {
    wrong(`${at}.status`, `"${status}" is no status: expected one of ${statuses.join(", ")}`);
  }
  return {
    instanceId: record.id === undefined
      ? formatHostPort(first.host, first.port)
      : asText(record.id, `${at}.id`),
    serviceId: service,
    serviceName: service,
    version: record.version === undefined
      ? place.version
      : asVersion(record.version, `${at}.version`),
    status,
    endpoints,
    properties: record.properties === undefined
      ? {}
      : readProperties(record.properties, `${at}.properties`),
    ...(record.region === undefined ? {} : { region: asText(record.region, `${at}.region`) }),
    ...(record.zone === undefined ? {} : { zone: asText(record.zone, `${at}.zone`) }),
  };
}

function readEndpoints(record: Readonly<Record<string, unknown>>, at: string): readonly Endpoint[] {
  if (record.endpoint !== undefined && record.endpoints !== undefined) {
    wrong(at, "endpoint and endpoints exclude each other: keep one");
  }
  const key = record.endpoint === undefined ? "endpoints" : "endpoint";
  const texts = key === "endpoint" ? [record.endpoint] : asList(record[key], `${at}.${key}`);
  if (texts.length === 0) {
    wrong(`${at}.${key}`, `is empty: expected at least one such as ${example}`);
  }
  return texts.map((text) => {
    const endpoint = typeof text === "string" ? parseEndpoint(text) : undefined;
    return endpoint ??
      wrong(at, `${JSON.stringify(text)} is no endpoint: expected one such as ${example}`);
  });
}

function readProperties(value: unknown, at: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(asRecord(value, at)).map(([key, item]) => {
      if (typeof item === "string") return [key, item];
      // Unquoted numbers and truth values are what people write; they mean their text.
      if (typeof item === "number" || typeof item === "boolean") return [key, String(item)];
      return wrong(`${at}.${key}`, `${JSON.stringify(item)} is no text`);
    }),
  );
}

function isStatus(text: string): text is InstanceStatus {
  return (statuses as readonly string[]).includes(text);
}

function asVersion(value: unknown, at: string): string {
  if (typeof value === "number") {
    wrong(at, `${value} is a number to YAML, which drops zeros: put it in quotes, such as "1.10"`);
  }
  const text = asText(value, at);
  if (!/^\d+(?:\.\d+){0,3}$/.test(text)) {
    wrong(at, `"${text}" is no version: expected such as 1.0.0`);
  }
  return text;
}

function asText(value: unknown, at: string): string {
  return typeof value === "string" ? value : wrong(
    at,
    `${value === undefined ? "nothing" : JSON.stringify(value)} found: expected a text`,
  );
}

function asList(value: unknown, at: string): readonly unknown[] {
  return Array.isArray(value) ? value : wrong(at, `is ${nameOf(value)}: expected a list`);
}

function asRecord(
  value: unknown,
  at: string,
  keys?: readonly string[],
): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return wrong(at, `is ${nameOf(value)}: expected a mapping`);
  }
  const unknown = keys && Object.keys(value).find((key) => !keys.includes(key));
  if (unknown !== undefined) {
    wrong(`${at}.${unknown}`, `is no known key: expected one of ${keys!.join(", ")}`);
  }
  return value as Readonly<Record<string, unknown>>;
}

function nameOf(value: unknown): string {
  if (value === undefined || value === null) return "missing";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "a mapping" : JSON.stringify(value);
}

function wrong(at: string, what: string): never {
  throw new FileFormatError(`${at}: ${what}`);
}
