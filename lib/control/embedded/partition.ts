/** The services of one tenant and project, with the indexes by which they are found. */
import { Pairs } from "./pairs.ts";
import type { InstanceRecord, ServiceRecord } from "./records.ts";

/** Where in the registry a caller looks: never across environments. */
export interface NameKey {
  readonly environment: string;
  readonly appId: string;
  readonly serviceName: string;
}

/** What a look-up by name answers. */
export interface Answer {
  readonly revision: string;
  /** JSON of the instances, comma-separated, without brackets; empty for none. */
  readonly listed: string;
}

/** All versions of one name. */
export interface NameEntry {
  readonly services: Map<string, ServiceRecord>;
  /** The answer with every version in it; dropped at the next change of one of them. */
  answer: Answer | undefined;
}

/** One text per name. Shape: no part may hold a slash; the rules see to that. */
export function nameKeyText(key: NameKey): string {
  return `${key.environment}/${key.appId}/${key.serviceName}`;
}

/** The key of a tenant and project. */
export function partitionId(domain: string, project: string): string {
  return JSON.stringify([domain, project]);
}

/** One tenant and project. */
export class Partition {
  readonly pairs: Pairs = new Pairs();
  readonly #services = new Map<string, ServiceRecord>();
  readonly #names = new Map<string, NameEntry>();
  readonly #aliases = new Map<string, Map<string, ServiceRecord>>();

  constructor(readonly domain: string, readonly project: string) {}

  get services(): ReadonlyMap<string, ServiceRecord> {
    return this.#services;
  }

  /** Distinct per tenant and project, whatever characters they hold. */
  get id(): string {
    return partitionId(this.domain, this.project);
  }

  /** `domain/project`, as clients see it in events. */
  get tenant(): string {
    return `${this.domain}/${this.project}`;
  }

  named(key: NameKey): NameEntry | undefined {
    return this.#names.get(nameKeyText(key));
  }

  /** The versions that carry `key.serviceName` as their alias, by version. */
  aliased(key: NameKey): ReadonlyMap<string, ServiceRecord> | undefined {
    return this.#aliases.get(nameKeyText(key));
  }

  /** All versions under a name, or if no service has that name, under an alias. */
  lookUp(key: NameKey): readonly ServiceRecord[] {
    const byVersion = this.named(key)?.services ?? this.aliased(key);
    return byVersion ? [...byVersion.values()] : [];
  }

  add(service: ServiceRecord): void {
    this.#services.set(service.serviceId, service);
    const name = nameKeyText(service);
    const entry = this.#names.get(name) ?? { services: new Map(), answer: undefined };
    entry.services.set(service.version, service);
    entry.answer = undefined;
    this.#names.set(name, entry);
    if (service.alias === "") return;
    const alias = nameKeyText({ ...service, serviceName: service.alias });
    const aliased = this.#aliases.get(alias) ?? new Map<string, ServiceRecord>();
    if (!aliased.has(service.version)) aliased.set(service.version, service);
    this.#aliases.set(alias, aliased);
  }

  remove(service: ServiceRecord): void {
    this.#services.delete(service.serviceId);
    const name = nameKeyText(service);
    const entry = this.#names.get(name);
    if (entry) {
      entry.answer = undefined;
      entry.services.delete(service.version);
      if (entry.services.size === 0) this.#names.delete(name);
    }
    const alias = nameKeyText({ ...service, serviceName: service.alias });
    const aliased = this.#aliases.get(alias);
    if (aliased?.get(service.version) !== service) return;
    aliased.delete(service.version);
    if (aliased.size === 0) this.#aliases.delete(alias);
  }

  /** Forgets the answers that were built from the instances of a service. */
  touch(service: ServiceRecord): void {
    service.cache = undefined;
    const entry = this.named(service);
    if (entry) entry.answer = undefined;
  }

  instance(serviceId: string, instanceId: string): InstanceRecord | undefined {
    return this.#services.get(serviceId)?.instances.get(instanceId);
  }
}
