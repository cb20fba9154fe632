/** Routes that declare and show who depends on whom. */
import { done, json } from "./answers.ts";
import type { Call, Route } from "./call.ts";
import { invalid, RegistryFault } from "./faults.ts";
import { type FindPlaces, isVisible, knownService } from "./find.ts";
import { type NameKey, nameKeyText, type Partition } from "./partition.ts";
import { serviceJson, type ServiceRecord } from "./records.ts";
import { asFields, type Fields, fieldsIn, flag, listIn, textIn, textRules } from "./rules.ts";

const maxDependencies = 100;
const deprecated = { "Deprecation": 'version="v4"' };

/** The routes. */
export function dependencyRoutes(places: FindPlaces): readonly Route[] {
  return [
    {
      path: "/dependencies",
      methods: {
        POST: (call) => declare(places, call, { override: false }),
        PUT: (call) => declare(places, call, { override: true }),
      },
    },
    {
      path: "/microservices/:serviceId/providers",
      legacy: true,
      methods: { GET: (call) => show(places, call, "providers") },
    },
    {
      path: "/microservices/:serviceId/consumers",
      legacy: true,
      methods: { GET: (call) => show(places, call, "consumers") },
    },
  ];
}

/** The services that a service has asked for, and may see. */
export function providersOf(partition: Partition, consumer: ServiceRecord): ServiceRecord[] {
  const found: ServiceRecord[] = [];
  for (const name of partition.pairs.namesOf(consumer.serviceId)) {
    const [environment = "", appId = "", serviceName = ""] = name.split("/");
    found.push(
      ...partition.lookUp({ environment, appId, serviceName })
        .filter((provider) => isVisible(consumer, provider)),
    );
  }
  return found;
}

/** The services that have asked for a service, and may see it. */
export function consumersOf(partition: Partition, provider: ServiceRecord): ServiceRecord[] {
  return [...partition.pairs.consumersOf(nameKeyText(provider))]
    .flatMap((id) => partition.services.get(id) ?? [])
    .filter((consumer) => isVisible(consumer, provider));
}

function show(places: FindPlaces, call: Call, side: "providers" | "consumers"): Response {
  const { partition } = call;
  const service = knownService(places, partition, call.param("serviceId"));
  const others = side === "providers"
    ? providersOf(partition, service)
    : consumersOf(partition, service);
  const list = others
    .filter((one) => one !== service || !flag(call.query("noSelf")))
    .map((one) => serviceJson(one));
  return json(list.length === 0 ? {} : { [side]: list });
}

async function declare(
  places: FindPlaces,
  call: Call,
  options: { readonly override: boolean },
): Promise<Response> {
  const items = listIn(await call.fields(), "dependencies");
  if (items.length < 1 || items.length > maxDependencies) {
    throw invalid(`"dependencies" has ${items.length} items; expected 1 to ${maxDependencies}.`);
  }
  const { partition } = call;
  // Everything is read before anything is changed: a fault in the last item leaves the first as it was.
  const pairs = items.map((item) => {
    const fields = asFields("an item of dependencies", item);
    const consumer = consumerIn(partition, fieldsIn(fields, "consumer") ?? {});
    const providers = listIn(fields, "providers")
      .map((one) => readName(asFields("an item of providers", one)))
      .map((name) => ({ ...name, environment: consumer.environment }));
    return { consumer, providers };
  });
  for (const { consumer, providers } of pairs) {
    if (options.override) partition.pairs.removeConsumer(consumer.serviceId);
    for (const name of providers) places.store.depend(partition, consumer.serviceId, name);
  }
  places.store.changed();
  return done(deprecated);
}

function consumerIn(partition: Partition, fields: Fields): ServiceRecord {
  const name = readName(fields);
  const version = textIn(fields, "version", textRules.version);
  const consumer = partition.lookUp(name).find((one) => one.version === version);
  if (consumer) return consumer;
  throw new RegistryFault(
    "400012",
    `The consumer ${nameKeyText(name)}/${version} is not registered.`,
  );
}

function readName(fields: Fields): NameKey {
  return {
    environment: textIn(fields, "environment", textRules.environment),
    appId: textIn(fields, "appId", textRules.appId),
    serviceName: textIn(fields, "serviceName", textRules.lookupName),
  };
}
