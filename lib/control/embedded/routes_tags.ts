/** Routes of the tags of a service. */
import { done, json } from "./answers.ts";
import type { Call, Route } from "./call.ts";
import { RegistryFault } from "./faults.ts";
import { type FindPlaces, knownService } from "./find.ts";
import { type ServiceRecord, textsOrNone } from "./records.ts";
import { checkText, textRules, textsIn } from "./rules.ts";

const maxTags = 100;

/** The routes. */
export function tagRoutes(places: FindPlaces): readonly Route[] {
  return [
    {
      path: "/microservices/:serviceId/tags",
      legacy: true,
      methods: { GET: (call) => read(places, call), POST: (call) => replaceAll(places, call) },
    },
    {
      path: "/microservices/:serviceId/tags/:key",
      legacy: true,
      methods: { PUT: (call) => put(places, call), DELETE: (call) => remove(places, call) },
    },
  ];
}

function read(places: FindPlaces, call: Call): Response {
  const service = knownService(places, call.partition, call.param("serviceId"));
  return json({ tags: textsOrNone(service.tags) });
}

async function replaceAll(places: FindPlaces, call: Call): Promise<Response> {
  const tags = textsIn(await call.fields(), "tags", textRules.tag);
  if (tags.size > maxTags) {
    throw new RegistryFault("400100", `A service may have ${maxTags} tags.`);
  }
  set(places, places.store.service(call.partition, call.param("serviceId")), tags);
  return done();
}

function put(places: FindPlaces, call: Call): Response {
  const value = checkText("value", call.query("value") ?? "", textRules.tag);
  const service = places.store.service(call.partition, call.param("serviceId"));
  const key = call.param("key");
  requireTag(service, key);
  set(places, service, new Map(service.tags).set(key, value));
  return done();
}

/** Several keys are separated by commas; with one of them missing nothing is deleted. */
function remove(places: FindPlaces, call: Call): Response {
  const service = places.store.service(call.partition, call.param("serviceId"));
  const keys = call.param("key").split(",");
  for (const key of keys) requireTag(service, key);
  const left = new Map(service.tags);
  for (const key of keys) left.delete(key);
  set(places, service, left);
  return done();
}

function set(places: FindPlaces, service: ServiceRecord, tags: ReadonlyMap<string, string>): void {
  service.tags = tags;
  places.store.changed();
}

function requireTag(service: ServiceRecord, key: string): void {
  if (!service.tags.has(key)) {
    throw new RegistryFault("400018", `The service has no tag ${JSON.stringify(key)}.`);
  }
}
