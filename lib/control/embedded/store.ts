/** The registry's memory: services and instances of all tenants, changed synchronously and only here. */
import type { Clock, Random } from "../../core/ports.ts";
import type { InstanceStatus } from "../../core/types.ts";
import { type ChangeMark, type InstanceChange, withChange, withCover } from "./cover.ts";
import { RegistryFault, unknownInstance, unknownService } from "./faults.ts";
import { randomHex } from "./ids.ts";
import { ttlMs } from "./lease_times.ts";
import { type NameKey, nameKeyText, Partition, partitionId } from "./partition.ts";
import type { InstanceRecord, ServiceRecord } from "./records.ts";
import {
  type AskedInstance,
  type AskedService,
  newInstanceRecord,
  newServiceRecord,
  sameFields,
  type StoreEvent,
  type StoreListener,
} from "./store_parts.ts";

export interface StoreOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly maxServices?: number;
  readonly maxInstances?: number;
}

/** All tenants. */
export class Store {
  readonly clock: Clock;
  /** Differs after every start, so that no revision of an earlier run can be taken for one of this run. */
  readonly epoch: string;
  /** No lease ends before this moment of the clock. */
  earliestExpiryMs = Infinity;
  readonly #random: Random;
  readonly #maxServices: number;
  readonly #maxInstances: number;
  readonly #partitions = new Map<string, Partition>();
  readonly #listeners = new Set<StoreListener>();
  #changes = 0;
  #serviceCount = 0;
  #instanceCount = 0;

  constructor(options: StoreOptions) {
    this.clock = options.clock;
    this.#random = options.random;
    this.#maxServices = options.maxServices ?? 50_000;
    this.#maxInstances = options.maxInstances ?? 150_000;
    this.epoch = randomHex(this.#random, 16);
  }

  get serviceCount(): number {
    return this.#serviceCount;
  }

  get instanceCount(): number {
    return this.#instanceCount;
  }

  listen(listener: StoreListener): void {
    this.#listeners.add(listener);
  }

  /** Every partition that holds something. */
  get partitions(): Iterable<Partition> {
    return this.#partitions.values();
  }

  /**
   * The partition of a tenant and project.
   *
   * Shape: nothing is kept for one that is only read, and one ends with its last service: look it up anew for each
   * request.
   */
  partition(domain: string, project: string): Partition {
    return this.#partitions.get(partitionId(domain, project)) ?? new Partition(domain, project);
  }

  /**
   * Creates a service, or finds the one that is already there under the same key.
   *
   * Shape: an existing record is left as it is. A service whose alias belongs to another one of the same version is
   * that other one, as in the original.
   * Errors: RegistryFault 400010, 400100.
   */
  createService(
    partition: Partition,
    asked: AskedService,
  ): ServiceRecord {
    const { serviceId, service } = asked;
    const existing = partition.named(service)?.services.get(service.version) ??
      (service.alias === ""
        ? undefined
        : partition.aliased({ ...service, serviceName: service.alias })?.get(service.version));
    if (existing && (serviceId === "" || serviceId === existing.serviceId)) return existing;
    if (existing || partition.services.has(serviceId)) {
      throw new RegistryFault(
        "400010",
        `The id "${serviceId}" and the key of this service belong to different services.`,
      );
    }
    if (this.#serviceCount >= this.#maxServices) {
      throw new RegistryFault("400100", `There are ${this.#serviceCount} services already.`);
    }
    const record = newServiceRecord(partition, asked, {
      seconds: this.#seconds(),
      spareId: randomHex(this.#random, 32),
    });
    this.#partitions.set(partition.id, partition);
    partition.add(record);
    this.#serviceCount++;
    this.changed();
    return record;
  }

  /** Errors: RegistryFault 400012. */
  service(partition: Partition, serviceId: string): ServiceRecord {
    const service = partition.services.get(serviceId);
    if (!service) throw unknownService(serviceId);
    return service;
  }

  /** Marks a service's own record (properties, schemas) as changed now. */
  modified(service: ServiceRecord): void {
    service.modifiedAt = this.#seconds();
    this.changed();
  }

  /**
   * Deletes a service with everything that hangs on it; watchers learn of its instances.
   *
   * Errors: RegistryFault 400012; without force 400023 (others depend on it) or 400013 (it has instances).
   */
  deleteService(
    partition: Partition,
    serviceId: string,
    options: { readonly force: boolean },
  ): void {
    const service = this.service(partition, serviceId);
    if (!options.force) this.#refuseInUse(partition, service);
    for (const instance of [...service.instances.values()]) {
      this.removeInstance(partition, instance);
    }
    partition.remove(service);
    partition.pairs.removeConsumer(serviceId);
    if (partition.services.size === 0) this.#partitions.delete(partition.id);
    this.#serviceCount--;
    for (const listener of this.#listeners) listener.serviceGone?.(partition, service);
    this.changed();
  }

  /**
   * Registers an instance, or renews and updates the living one of the same id.
   *
   * Shape: whatever status was set for many over its own is gone after that.
   * Errors: RegistryFault 400012, 400100.
   */
  register(
    partition: Partition,
    service: ServiceRecord,
    asked: AskedInstance,
  ): InstanceRecord {
    const living = service.instances.get(asked.instanceId);
    if (!living && this.#instanceCount >= this.#maxInstances) {
      throw new RegistryFault("400100", `There are ${this.#instanceCount} instances already.`);
    }
    if (living && !living.covered && sameFields(living, asked.instance)) {
      this.renew(living);
      return living;
    }
    const lifeMs = ttlMs(asked.instance.healthCheck);
    const expiresAtMs = this.clock.now() + lifeMs;
    this.earliestExpiryMs = Math.min(this.earliestExpiryMs, expiresAtMs);
    const record = newInstanceRecord(service, asked, {
      living,
      spareId: randomHex(this.#random, 32),
      ttlMs: lifeMs,
      expiresAtMs,
      nextMark: () => this.#mark(),
    });
    if (!living) this.#instanceCount++;
    this.#put(partition, record, living ? "UPDATE" : "CREATE");
    return record;
  }

  /** Errors: RegistryFault 400017, for an unknown service too. */
  instance(partition: Partition, serviceId: string, instanceId: string): InstanceRecord {
    const instance = partition.instance(serviceId, instanceId);
    if (!instance) throw unknownInstance(instanceId);
    return instance;
  }

  /** Gives an instance its full time again. */
  renew(instance: InstanceRecord): void {
    instance.lease.expiresAtMs = this.clock.now() + instance.lease.ttlMs;
    instance.lease.heldUntilMs = undefined;
    instance.lease.restored = false;
  }

  /**
   * Changes status or properties; the lease goes on as it was. Nothing happens when all is as before.
   *
   * Shape: a status ends the one that was set for many over it.
   */
  update(partition: Partition, instance: InstanceRecord, fields: InstanceChange): void {
    const uncovers = fields.status !== undefined && instance.covered !== undefined;
    if (!uncovers && sameFields(instance, { ...instance, ...fields })) return;
    this.#put(partition, withChange(instance, fields, () => this.#mark()), "UPDATE");
  }

  /** Sets a status over the instance's own one, as part of a change of many. */
  cover(partition: Partition, instance: InstanceRecord, status: InstanceStatus): void {
    if (instance.status === status) return;
    this.#put(partition, withCover(instance, status, this.#mark()), "UPDATE");
  }

  /** Takes an instance out and tells watchers. */
  removeInstance(partition: Partition, instance: InstanceRecord): void {
    if (!instance.service.instances.delete(instance.instanceId)) return;
    this.#instanceCount--;
    partition.touch(instance.service);
    this.#tell({ action: "DELETE", partition, instance });
  }

  /** Remembers that a consumer asked for a name. */
  depend(partition: Partition, consumerId: string, provider: NameKey): void {
    if (partition.pairs.add(consumerId, nameKeyText(provider))) this.changed();
  }

  /** Tells listeners that something worth keeping changed. */
  changed(): void {
    for (const listener of this.#listeners) listener.changed?.();
  }

  #put(partition: Partition, record: InstanceRecord, action: "CREATE" | "UPDATE"): void {
    record.service.instances.set(record.instanceId, record);
    partition.touch(record.service);
    this.#tell({ action, partition, instance: record });
  }

  #tell(event: StoreEvent): void {
    for (const listener of this.#listeners) listener.instance?.(event);
    this.changed();
  }

  #refuseInUse(partition: Partition, service: ServiceRecord): void {
    const consumers = partition.pairs.consumersOf(nameKeyText(service));
    if ([...consumers].some((id) => id !== service.serviceId)) {
      throw new RegistryFault("400023", "Other services depend on this one; delete it with force.");
    }
    if (service.instances.size > 0) {
      throw new RegistryFault(
        "400013",
        `The service has ${service.instances.size} instance(s); delete it with force.`,
      );
    }
  }

  #mark(): ChangeMark {
    return { modifiedAt: this.#seconds(), change: ++this.#changes };
  }

  #seconds(): string {
    return String(Math.floor(this.clock.wall() / 1000));
  }
}
