/** Routes that read instances: by name, by service id, one alone. */
import { instanceList, oneOf } from "./answers.ts";
import type { Call } from "./call.ts";
import { consumerOf, findByName, type FindPlaces, listById, oneInstance } from "./find.ts";
import { checkText, textRules } from "./rules.ts";

/** `GET /instances`: all instances of a name; the version asked for is ignored, as in the original. */
export function findInstances(places: FindPlaces, call: Call): Response {
  const appId = checkText("appId", call.query("appId") ?? "", textRules.appId);
  const serviceName = checkText(
    "serviceName",
    call.query("serviceName") ?? "",
    textRules.lookupName,
  );
  const environment = checkText("env", call.query("env") ?? "", textRules.environment);
  const { partition } = call;
  const consumer = consumerOf(places, partition, call.consumerId);
  const query = { partition, consumer, environment, appId, serviceName, tags: call.tags };
  return instanceList(findByName(places, query), call.seenRevision);
}

/** `GET /microservices/{id}/instances`. */
export function listInstances(places: FindPlaces, call: Call): Response {
  const answer = listById(places, call.partition, {
    serviceId: call.param("serviceId"),
    consumerId: call.consumerId,
    tags: call.tags,
  });
  return instanceList(answer, call.seenRevision);
}

/** `GET /microservices/{id}/instances/{id}`. */
export function getInstance(places: FindPlaces, call: Call): Response {
  const answer = oneInstance(places, call.partition, {
    serviceId: call.param("serviceId"),
    instanceId: call.param("instanceId"),
    consumerId: call.consumerId,
    asWritten: call.noCache,
  });
  return oneOf(answer, call.seenRevision);
}
