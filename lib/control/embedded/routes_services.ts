/** Routes of services: existence, create, read, properties, delete. */
import { done, json } from "./answers.ts";
import { bodyLimits } from "./body.ts";
import type { Call, Route } from "./call.ts";
import { invalid, RegistryFault } from "./faults.ts";
import { type FindPlaces, knownService } from "./find.ts";
import type { Partition } from "./partition.ts";
import { readInstance } from "./read_instance.ts";
import { readService } from "./read_service.ts";
import { serviceJson } from "./records.ts";
import {
  asFields,
  checkText,
  fieldsIn,
  flag,
  listIn,
  textListIn,
  textRules,
  textsIn,
} from "./rules.ts";
import { schemaExistence } from "./routes_schemas.ts";

/** The routes. */
export function serviceRoutes(places: FindPlaces): readonly Route[] {
  return [
    { path: "/existence", legacy: true, methods: { GET: (call) => existence(places, call) } },
    {
      path: "/microservices",
      legacy: true,
      methods: {
        GET: (call) => list(places, call),
        POST: (call) => create(places, call),
        DELETE: (call) => removeMany(places, call),
      },
    },
    {
      path: "/microservices/:serviceId",
      legacy: true,
      methods: { GET: (call) => read(places, call), DELETE: (call) => remove(places, call) },
    },
    {
      path: "/microservices/:serviceId/properties",
      legacy: true,
      methods: { PUT: (call) => setProperties(places, call) },
    },
  ];
}

function existence(places: FindPlaces, call: Call): Response {
  const type = call.query("type") ?? "";
  if (type === "schema") return schemaExistence(places, call);
  if (type !== "microservice") {
    throw invalid(`type is ${JSON.stringify(type)}; expected microservice or schema.`);
  }
  const key = {
    environment: checkText("env", call.query("env") ?? "", textRules.environment),
    appId: checkText("appId", call.query("appId") ?? "", textRules.appId),
    serviceName: checkText("serviceName", call.query("serviceName") ?? "", textRules.lookupName),
  };
  const version = checkText("version", call.query("version") ?? "", textRules.version);
  const found = call.partition.lookUp(key);
  const own = found.length === 0 ? places.own.byName(key) : undefined;
  const services = own ? [own] : found;
  const service = services.find((one) => one.version === version);
  if (service) return json({ serviceId: service.serviceId });
  const where = [key.environment, key.appId, key.serviceName, version].join("/");
  throw services.length === 0
    ? new RegistryFault("400012", `No service is registered as ${where}.`)
    : new RegistryFault("400026", `The service has no version as in ${where}.`);
}

function list(places: FindPlaces, call: Call): Response {
  const services = [...call.partition.services.values()].map((one) => serviceJson(one));
  if (flag(call.query("withShared"))) services.push(serviceJson(places.own.service));
  return json(services.length === 0 ? {} : { services });
}

async function create(places: FindPlaces, call: Call): Promise<Response> {
  const body = await call.fields();
  const fields = fieldsIn(body, "service");
  if (!fields) throw invalid('The body has no "service".');
  const asked = readService(fields);
  const tags = textsIn(body, "tags", textRules.tag);
  const instances = listIn(body, "instances")
    .map((item) => readInstance(asFields("an item of instances", item)));
  const { partition } = call;
  const { store } = places;
  const before = store.serviceCount;
  const service = store.createService(partition, asked);
  // The extras belong to a new record only; one that was there already is left alone.
  if (store.serviceCount > before) service.tags = tags;
  for (const instance of instances) store.register(partition, service, instance);
  return json({ serviceId: service.serviceId });
}

function read(places: FindPlaces, call: Call): Response {
  const service = knownService(places, call.partition, call.param("serviceId"));
  return json({ service: serviceJson(service) });
}

async function setProperties(places: FindPlaces, call: Call): Promise<Response> {
  const properties = textsIn(await call.fields(bodyLimits.properties), "properties");
  const { partition } = call;
  const service = places.store.service(partition, call.param("serviceId"));
  service.properties = properties;
  places.store.modified(service);
  return done();
}

function remove(places: FindPlaces, call: Call): Response {
  const force = call.query("force") ?? "";
  if (!["", "true", "false", "1", "0"].includes(force)) {
    throw invalid(`force is ${JSON.stringify(force)}; expected true, false, 1 or 0.`);
  }
  removeOne(places, call.partition, call.param("serviceId"), force === "true" || force === "1");
  return done();
}

async function removeMany(places: FindPlaces, call: Call): Promise<Response> {
  const body = await call.fields();
  const ids = textListIn(body, "serviceIds", { ...textRules.serviceId, min: 1 });
  if (ids.length === 0) throw invalid('"serviceIds" names no service.');
  const { partition } = call;
  const services = [...new Set(ids)].map((serviceId) => {
    try {
      removeOne(places, partition, serviceId, Object.hasOwn(body, "force") && body.force === true);
      return { serviceId };
    } catch (error) {
      if (!(error instanceof RegistryFault)) throw error;
      return { serviceId, errMessage: error.inline };
    }
  });
  return json({ services });
}

function removeOne(
  places: FindPlaces,
  partition: Partition,
  serviceId: string,
  force: boolean,
): void {
  if (places.own.byId(serviceId)) throw invalid("The registry's own service cannot be deleted.");
  places.store.deleteService(partition, serviceId, { force });
}
