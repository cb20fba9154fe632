/** The batch look-up: many names and single instances in one call, with an answer for each. */
import { json } from "./answers.ts";
import type { Call } from "./call.ts";
import { type FaultCode, invalid, RegistryFault } from "./faults.ts";
import { consumerOf, findByName, type FindPlaces, oneInstance } from "./find.ts";
import type { Answer } from "./partition.ts";
import { asFields, type Fields, fieldsIn, listIn, textIn, textRules } from "./rules.ts";

/**
 * `POST /instances/action?type=query`.
 *
 * Shape: what cannot be answered is a `failed` entry, grouped by code, and the rest is answered all the same. That
 * goes for a malformed name too, where the original refuses the whole call: a sidecar that once was asked for a
 * strange host name would otherwise never again refresh anything.
 * Errors: RegistryFault 400001 for another type, for nothing asked, and when not one item is well-formed.
 */
export async function batchFind(places: FindPlaces, call: Call): Promise<Response> {
  const type = call.query("type") ?? "";
  if (type !== "query") throw invalid(`type is ${JSON.stringify(type)}; expected query.`);
  const body = await call.fields();
  const services = listIn(body, "services");
  const instances = listIn(body, "instances");
  if (services.length + instances.length === 0) {
    throw invalid('"services" and "instances" are both empty; expected something to look for.');
  }
  const results: Results = { services: new Outcomes(), instances: new Outcomes() };
  services.forEach((item, index) => {
    results.services.run(index, item, (fields) => findService(places, call, fields));
  });
  instances.forEach((item, index) => {
    results.instances.run(index, item, (fields) => findInstance(places, call, fields));
  });
  const malformed = results.services.malformed + results.instances.malformed;
  if (malformed === services.length + instances.length) {
    throw results.services.firstFault ?? results.instances.firstFault ?? invalid("Nothing to do.");
  }
  const parts = [
    ...(services.length > 0 ? [`"services":${results.services.text}`] : []),
    ...(instances.length > 0 ? [`"instances":${results.instances.text}`] : []),
  ];
  return json(`{${parts.join(",")}}`);
}

interface Results {
  readonly services: Outcomes;
  readonly instances: Outcomes;
}

function findService(places: FindPlaces, call: Call, item: Fields): Answer {
  const key = fieldsIn(item, "service") ?? {};
  const query = {
    appId: textIn(key, "appId", textRules.appId),
    serviceName: textIn(key, "serviceName", textRules.lookupName),
    environment: textIn(key, "environment", textRules.environment),
  };
  const { partition } = call;
  const consumer = consumerOf(places, partition, call.consumerId);
  return findByName(places, { ...query, partition, consumer, tags: [] });
}

function findInstance(places: FindPlaces, call: Call, item: Fields): Answer {
  const key = fieldsIn(item, "instance") ?? {};
  return oneInstance(places, call.partition, {
    serviceId: textIn(key, "serviceId", textRules.serviceId),
    instanceId: textIn(key, "instanceId", textRules.serviceId),
    consumerId: call.consumerId,
  });
}

/** The three lists of one half of the answer. */
class Outcomes {
  malformed = 0;
  firstFault: RegistryFault | undefined;
  readonly #updated: string[] = [];
  readonly #notModified: number[] = [];
  readonly #failed = new Map<FaultCode, { fault: RegistryFault; indexes: number[] }>();

  run(index: number, item: unknown, answer: (fields: Fields) => Answer): void {
    try {
      const fields = asFields("an item", item);
      const { revision, listed } = answer(fields);
      if (textIn(fields, "rev", { expected: "a text" }) === revision) {
        this.#notModified.push(index);
        return;
      }
      const instances = listed === "" ? "" : `,"instances":[${listed}]`;
      this.#updated.push(`{"index":${index},"rev":"${revision}"${instances}}`);
    } catch (error) {
      if (!(error instanceof RegistryFault)) throw error;
      if (error.code === "400001") this.malformed++;
      this.firstFault ??= error;
      const group = this.#failed.get(error.code);
      if (group) group.indexes.push(index);
      else this.#failed.set(error.code, { fault: error, indexes: [index] });
    }
  }

  get text(): string {
    const failed = [...this.#failed.values()]
      .map(({ fault, indexes }) => JSON.stringify({ indexes, error: fault }));
    const lists = [
      ["failed", failed],
      ["notModified", this.#notModified],
      ["updated", this.#updated],
    ] as const;
    const parts = lists.filter(([, items]) => items.length > 0)
      .map(([name, items]) => `"${name}":[${items.join(",")}]`);
    return `{${parts.join(",")}}`;
  }
}
