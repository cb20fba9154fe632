/** Look-ups of instances: who may see whom, which answer has which revision. */
import { asItself } from "./cover.ts";
import { RegistryFault, unknownInstance, unknownService } from "./faults.ts";
import { emptyRevision, revisionOf } from "./ids.ts";
import type { OwnRecord } from "./own_record.ts";
import type { Answer, NameKey, Partition } from "./partition.ts";
import { allowsCrossApp, cacheOf, instanceJson, type ServiceRecord } from "./records.ts";
import type { Store } from "./store.ts";

/** What the look-ups need. */
export interface FindPlaces {
  readonly store: Store;
  readonly own: OwnRecord;
}

export interface FindQuery extends NameKey {
  readonly partition: Partition;
  /** The asking service; its environment replaces that of the query. */
  readonly consumer: ServiceRecord | undefined;
  /** Only services that carry all of these tag keys. */
  readonly tags: readonly string[];
}

/** The asking service. Shape: undefined for an empty id. Errors: RegistryFault 400012. */
export function consumerOf(
  places: FindPlaces,
  partition: Partition,
  consumerId: string,
): ServiceRecord | undefined {
  return consumerId === "" ? undefined : knownService(places, partition, consumerId);
}

/** A service of the partition or the registry's own. Errors: RegistryFault 400012. */
export function knownService(
  places: FindPlaces,
  partition: Partition,
  serviceId: string,
): ServiceRecord {
  const service = partition.services.get(serviceId) ?? places.own.byId(serviceId);
  if (!service) throw unknownService(serviceId);
  return service;
}

/**
 * All instances of a name, of every version and status.
 *
 * Shape: what the consumer may not see is left out, silently. The consumer is remembered as depending on the name,
 * also when nobody has that name yet, so that its watcher hears of the first instance.
 * Errors: RegistryFault 400012 when there is no such service.
 */
export function findByName(places: FindPlaces, query: FindQuery): Answer {
  const { partition, consumer } = query;
  const key: NameKey = {
    environment: consumer?.environment ?? query.environment,
    appId: query.appId,
    serviceName: query.serviceName,
  };
  const services = partition.lookUp(key);
  if (consumer) {
    for (const provider of services.length > 0 ? services : [key]) {
      places.store.depend(partition, consumer.serviceId, provider);
    }
  }
  if (services.length === 0) {
    const own = places.own.byName(key);
    if (own) return answerOf(places.store, [own]);
    const where = [key.environment, key.appId, key.serviceName].join("/");
    throw new RegistryFault("400012", `No service is registered as ${where}.`);
  }
  const visible = services.filter((one) =>
    (!consumer || isVisible(consumer, one)) && hasTags(one, query.tags)
  );
  const entry = partition.named(key);
  // Almost every caller sees every version, so that answer is kept until something in it changes.
  if (entry && visible.length === entry.services.size) {
    return entry.answer ??= answerOf(places.store, visible);
  }
  return answerOf(places.store, visible);
}

/** All instances of one service. Errors: RegistryFault 400012 for unknown, invisible, or not so tagged. */
export function listById(
  places: FindPlaces,
  partition: Partition,
  query: { serviceId: string; consumerId: string; tags: readonly string[] },
): Answer {
  const consumer = consumerOf(places, partition, query.consumerId);
  const service = knownService(places, partition, query.serviceId);
  if (!maySee(places, consumer, service) || !hasTags(service, query.tags)) {
    throw unknownService(query.serviceId);
  }
  return answerOf(places.store, [service]);
}

/**
 * One instance, as discovery sees it or as it was last written by the instance itself.
 *
 * Shape: the two differ in the status, and in nothing else, after a status was set for many at once. All other
 * look-ups are for discovery and know no such choice: who looks for somebody to call must not get what was taken out.
 * Errors: RegistryFault 400012 for the service or the consumer, else 400017.
 */
export function oneInstance(
  places: FindPlaces,
  partition: Partition,
  query: { serviceId: string; instanceId: string; consumerId: string; asWritten?: boolean },
): Answer {
  const consumer = consumerOf(places, partition, query.consumerId);
  const service = knownService(places, partition, query.serviceId);
  const listed = service.instances.get(query.instanceId);
  if (!listed || !maySee(places, consumer, service)) throw unknownInstance(query.instanceId);
  const instance = query.asWritten === true ? asItself(listed) : listed;
  return {
    revision: revisionOf(places.store.epoch, [instance.change]),
    listed: JSON.stringify(instanceJson(instance)),
  };
}

/** Same environment is presumed: the same app, or a provider that is open to others. */
export function isVisible(consumer: ServiceRecord, provider: ServiceRecord): boolean {
  return consumer.appId === provider.appId || allowsCrossApp(provider);
}

function maySee(
  places: FindPlaces,
  consumer: ServiceRecord | undefined,
  provider: ServiceRecord,
): boolean {
  if (!consumer || places.own.byId(provider.serviceId)) return true;
  return consumer.environment === provider.environment && isVisible(consumer, provider);
}

function hasTags(service: ServiceRecord, tags: readonly string[]): boolean {
  return tags.every((tag) => service.tags.has(tag));
}

function answerOf(store: Store, services: readonly ServiceRecord[]): Answer {
  const caches = services.filter((one) => one.instances.size > 0).map(cacheOf);
  if (caches.length === 0) return { revision: emptyRevision, listed: "" };
  const changes = caches.flatMap((one) => one.changes).sort((a, b) => a - b);
  return {
    revision: revisionOf(store.epoch, changes),
    listed: caches.map((one) => one.listed).join(","),
  };
}
