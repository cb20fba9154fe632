/** The text in which the registry's memory is kept: from a store into it and back. */
import type { Partition } from "./partition.ts";
import { readInstance, readStatus } from "./read_instance.ts";
import { readService } from "./read_service.ts";
import {
  cacheOf,
  listOrNone,
  type SchemaRecord,
  serviceJson,
  type ServiceRecord,
} from "./records.ts";
import { asFields, type Fields, listIn, textIn, textListIn, textRules, textsIn } from "./rules.ts";
import type { Store } from "./store.ts";
import type { AskedInstance } from "./store_parts.ts";

const format = 1;
const anyText = { expected: "a text" } as const;

/** The whole state as text. Cost: most of it is taken from the answers that are cached anyway. */
export function stateText(store: Store): string {
  const partitions = [...store.partitions].map((partition) => {
    const services = [...partition.services.values()].map((one) => serviceText(partition, one));
    const { domain, project } = partition;
    const head = JSON.stringify({ domain, project }).slice(0, -1);
    return `${head},"services":[\n${services.join(",\n")}]}`;
  });
  return `{"format":${format},"partitions":[${partitions.join(",\n")}]}\n`;
}

function serviceText(partition: Partition, service: ServiceRecord): string {
  const record = JSON.stringify({
    service: serviceJson(service),
    tags: Object.fromEntries(service.tags),
    schemas: [...service.schemas].map(([schemaId, schema]) => ({ schemaId, ...schema })),
    asked: [...partition.pairs.namesOf(service.serviceId)],
    covered: listOrNone(coveredOf(service)),
  });
  const instances = service.instances.size === 0 ? "" : cacheOf(service).listed;
  return `${record.slice(0, -1)},"instances":[${instances}]}`;
}

/** Own statuses below one that was set for many; the instances themselves are kept as everybody sees them. */
function coveredOf(service: ServiceRecord): readonly object[] {
  return [...service.instances.values()].flatMap(({ instanceId, covered }) =>
    covered ? [{ instanceId, status: covered.status, modTimestamp: covered.modifiedAt }] : []
  );
}

/**
 * Puts a kept state into an empty store.
 *
 * Shape: how many single records made no sense and were left out. Errors: when the text makes no sense as a whole.
 */
export function restoreState(store: Store, text: string): number {
  const state = asFields("the state", JSON.parse(text));
  if (state.format !== format) throw new Error(`its format is ${state.format}, not ${format}`);
  let left = 0;
  for (const item of listIn(state, "partitions")) {
    left += attempt(() => restorePartition(store, item));
  }
  return left;
}

/** Runs one step of the restore. Shape: how many records were left out. */
function attempt(step: () => number): number {
  try {
    return step();
  } catch {
    return 1;
  }
}

function restorePartition(store: Store, item: unknown): number {
  const fields = asFields("a partition", item);
  const domain = textIn(fields, "domain", anyText);
  const project = textIn(fields, "project", anyText);
  let left = 0;
  for (const one of listIn(fields, "services")) {
    left += attempt(() => restoreService(store, store.partition(domain, project), one));
  }
  return left;
}

function restoreService(store: Store, partition: Partition, item: unknown): number {
  const fields = asFields("a record", item);
  const described = asFields("service", fields.service);
  const service = store.createService(partition, {
    ...readService(described),
    times: times(described),
  });
  service.tags = textsIn(fields, "tags");
  for (const one of listIn(fields, "schemas")) {
    const schema = asFields("a schema", one);
    service.schemas.set(textIn(schema, "schemaId", textRules.schemaId), readSchema(schema));
  }
  for (const name of textListIn(fields, "asked", anyText)) {
    partition.pairs.add(service.serviceId, name);
  }
  let left = 0;
  const own = new Map<string, ReturnType<typeof readCovered>>();
  for (const one of listIn(fields, "covered")) {
    left += attempt(() => {
      const covered = asFields("an own status", one);
      own.set(textIn(covered, "instanceId", textRules.instanceId), readCovered(covered));
      return 0;
    });
  }
  for (const one of listIn(fields, "instances")) {
    left += attempt(() => {
      const instance = asFields("an instance", one);
      const asked = { ...readInstance(instance), times: times(instance) };
      const covered = own.get(asked.instanceId);
      store.register(partition, service, covered ? { ...asked, covered } : asked);
      return 0;
    });
  }
  return left;
}

function readCovered(fields: Fields): NonNullable<AskedInstance["covered"]> {
  return {
    status: readStatus("status", textIn(fields, "status", textRules.instanceStatus)),
    modifiedAt: textIn(fields, "modTimestamp", anyText),
  };
}

function readSchema(fields: Fields): SchemaRecord {
  return {
    summary: textIn(fields, "summary", anyText),
    text: textIn(fields, "text", anyText),
  };
}

function times(fields: Fields): { createdAt: string; modifiedAt: string } {
  return {
    createdAt: textIn(fields, "timestamp", anyText),
    modifiedAt: textIn(fields, "modTimestamp", anyText),
  };
}
