/** Routes of schemas: the texts that describe a service's interfaces. */
import { done, json } from "./answers.ts";
import type { Call, Route } from "./call.ts";
import { invalid, RegistryFault } from "./faults.ts";
import { type FindPlaces, knownService } from "./find.ts";
import type { SchemaRecord, ServiceRecord } from "./records.ts";
import { asFields, checkText, type Fields, listIn, textIn, textRules } from "./rules.ts";

const maxSchemas = 100;

/** The routes. */
export function schemaRoutes(places: FindPlaces): readonly Route[] {
  return [
    {
      path: "/microservices/:serviceId/schemas",
      legacy: true,
      methods: { GET: (call) => list(places, call), POST: (call) => replaceAll(places, call) },
    },
    {
      path: "/microservices/:serviceId/schemas/:schemaId",
      legacy: true,
      methods: {
        GET: (call) => read(places, call),
        PUT: (call) => put(places, call),
        DELETE: (call) => remove(places, call),
      },
    },
  ];
}

/** `GET /existence?type=schema`. A schema that is listed but was never uploaded does not exist. */
export function schemaExistence(places: FindPlaces, call: Call): Response {
  const serviceId = call.query("serviceId") ?? "";
  const schemaId = checkText("schemaId", call.query("schemaId") ?? "", textRules.schemaId);
  const schema = schemaOf(knownService(places, call.partition, serviceId), schemaId);
  return json({ serviceId, schemaId }, { headers: { "X-Schema-Summary": schema.summary } });
}

/** Every schema of a service as clients list it. Shape: without summary and text for one that is only named. */
export function schemaInfos(service: ServiceRecord, options: { readonly withText: boolean }) {
  return service.schemaIds.map((schemaId) => {
    const schema = service.schemas.get(schemaId);
    return {
      schemaId,
      summary: schema?.summary || undefined,
      schema: options.withText ? schema?.text : undefined,
    };
  });
}

function list(places: FindPlaces, call: Call): Response {
  const withSchema = call.query("withSchema") ?? "0";
  if (!["", "0", "1"].includes(withSchema)) {
    throw invalid(`withSchema is ${JSON.stringify(withSchema)}; expected 0 or 1.`);
  }
  const service = knownService(places, call.partition, call.param("serviceId"));
  const schemas = schemaInfos(service, { withText: withSchema === "1" });
  return json(schemas.length === 0 ? {} : { schemas });
}

function read(places: FindPlaces, call: Call): Response {
  const service = knownService(places, call.partition, call.param("serviceId"));
  const schema = schemaOf(service, call.param("schemaId"));
  return json({ schema: schema.text }, { headers: { "X-Schema-Summary": schema.summary } });
}

async function put(places: FindPlaces, call: Call): Promise<Response> {
  const schemaId = checkText("schemaId", call.param("schemaId"), textRules.schemaId);
  const schema = readSchema(await call.fields());
  const service = places.store.service(call.partition, call.param("serviceId"));
  if (!service.schemaIds.includes(schemaId)) {
    if (service.schemaIds.length >= maxSchemas) {
      throw new RegistryFault("400100", `The service has ${maxSchemas} schemas already.`);
    }
    service.schemaIds = [...service.schemaIds, schemaId];
  }
  service.schemas.set(schemaId, schema);
  places.store.modified(service);
  return done();
}

async function replaceAll(places: FindPlaces, call: Call): Promise<Response> {
  const items = listIn(await call.fields(), "schemas");
  if (items.length === 0) throw invalid('"schemas" is empty; expected at least one item.');
  const schemas = new Map<string, SchemaRecord>();
  for (const item of items) {
    const fields = asFields("an item of schemas", item);
    const schemaId = textIn(fields, "schemaId", textRules.schemaId);
    const schema = readSchema(fields);
    if (schema.summary === "") throw invalid(`The schema ${schemaId} has no summary.`);
    schemas.set(schemaId, schema);
  }
  if (schemas.size > maxSchemas) {
    throw new RegistryFault("400100", `A service may have ${maxSchemas} schemas.`);
  }
  const service = places.store.service(call.partition, call.param("serviceId"));
  service.schemas.clear();
  for (const [schemaId, schema] of schemas) service.schemas.set(schemaId, schema);
  service.schemaIds = [...schemas.keys()];
  places.store.modified(service);
  return done();
}

/** The id stays listed, as in the original: the service still claims to have that interface. */
function remove(places: FindPlaces, call: Call): Response {
  const service = places.store.service(call.partition, call.param("serviceId"));
  const schemaId = call.param("schemaId");
  schemaOf(service, schemaId);
  service.schemas.delete(schemaId);
  places.store.modified(service);
  return done();
}

function readSchema(fields: Fields): SchemaRecord {
  return {
    text: textIn(fields, "schema", textRules.schemaText),
    summary: textIn(fields, "summary", textRules.schemaSummary),
  };
}

function schemaOf(service: ServiceRecord, schemaId: string): SchemaRecord {
  const schema = service.schemas.get(schemaId);
  if (!schema) throw new RegistryFault("400016", `No text was uploaded for "${schemaId}".`);
  return schema;
}
