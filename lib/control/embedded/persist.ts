/** Keeps services, schemas and the last known instances on disk, so that a restart loses nobody. */
import type { Clock, Files, Logger } from "../../core/ports.ts";
import type { Partition } from "./partition.ts";
import { readInstance } from "./read_instance.ts";
import { readService } from "./read_service.ts";
import { cacheOf, type SchemaRecord, serviceJson, type ServiceRecord } from "./records.ts";
import { asFields, type Fields, listIn, textIn, textListIn, textRules, textsIn } from "./rules.ts";
import type { Store } from "./store.ts";

const format = 1;
/** Changes come in bursts; one write serves them all, and a large state is written less often. */
const saveAfterMs = 500;
const maxSaveAfterMs = 5_000;
const lengthPerMs = 1_000;
const retryAfterMs = 5_000;
const anyText = { expected: "a text" } as const;

export interface PersistenceOptions {
  readonly store: Store;
  readonly files: Files;
  readonly path: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The state file of a store.
 *
 * Shape: leases are not kept. Every instance in the file gets one full lease time from the start of this process: who
 * lives renews it as if nothing had happened, who is gone ends with it, and no consumer sees an empty list meanwhile.
 */
export class Persistence {
  readonly #options: PersistenceOptions;
  #dirty = false;
  #wake: () => void = () => {};
  #saveError: string | undefined;
  /** Of the text written last. */
  #length = 0;

  constructor(options: PersistenceOptions) {
    this.#options = options;
  }

  /** Why the last write failed. Shape: undefined when it did not. */
  get saveError(): string | undefined {
    return this.#saveError;
  }

  /** Reads the file into the store. A damaged file is set aside and reported; it never stops the registry. */
  async load(): Promise<void> {
    const { store, files, path, logger } = this.#options;
    try {
      const text = await files.read(path);
      if (text !== undefined && !this.#restore(text)) {
        await files.setAside(path, ".damaged");
      }
    } catch (error) {
      logger.error("the state of the registry cannot be read; it starts without it", {
        path,
        error,
      });
    }
    store.listen({
      changed: () => {
        this.#dirty = true;
        this.#wake();
      },
    });
  }

  /** Writes the file a moment after each change. Settles when `signal` aborts. */
  async saveUntil(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      await this.#changed(signal);
      const waitMs = Math.min(maxSaveAfterMs, saveAfterMs + this.#length / lengthPerMs);
      await clock.sleep(waitMs, signal);
      if (signal.aborted) return;
      await this.flush();
      if (this.#dirty) await clock.sleep(retryAfterMs, signal);
    }
  }

  /** Writes now what is not written yet. Never rejects. */
  async flush(): Promise<void> {
    if (!this.#dirty) return;
    this.#dirty = false;
    const { files, path, logger, store } = this.#options;
    try {
      const text = stateText(store);
      this.#length = text.length;
      await files.replace(path, text);
      if (this.#saveError !== undefined) logger.info("the state of the registry is saved again");
      this.#saveError = undefined;
    } catch (error) {
      this.#dirty = true;
      const reason = error instanceof Error ? error.message : String(error);
      if (this.#saveError === undefined) {
        logger.warn("the state of the registry cannot be saved; a restart would lose changes", {
          path,
          reason,
        });
      }
      this.#saveError = reason;
    }
  }

  #changed(signal: AbortSignal): Promise<void> {
    if (this.#dirty || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener("abort", wake);
        this.#wake = () => {};
        resolve();
      };
      this.#wake = wake;
      signal.addEventListener("abort", wake);
    });
  }

  /** False when the text makes no sense as a whole. Single bad records are left out and counted. */
  #restore(text: string): boolean {
    const { store, path, logger } = this.#options;
    let partitions: readonly unknown[];
    try {
      const state = asFields("the state", JSON.parse(text));
      if (state.format !== format) throw new Error(`its format is ${state.format}, not ${format}`);
      partitions = listIn(state, "partitions");
    } catch (error) {
      logger.error("the state file of the registry is damaged; it is set aside", {
        path,
        reason: error instanceof Error ? error.message : String(error),
      });
      return false;
    }
    let left = 0;
    for (const item of partitions) left += attempt(() => restorePartition(store, item));
    if (left > 0) {
      logger.warn("parts of the registry's state make no sense and were left out", { path, left });
    }
    return true;
  }
}

/** The whole state as text. Cost: most of it is taken from the answers that are cached anyway. */
function stateText(store: Store): string {
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
  });
  const instances = service.instances.size === 0 ? "" : cacheOf(service).listed;
  return `${record.slice(0, -1)},"instances":[${instances}]}`;
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
  for (const one of listIn(fields, "instances")) {
    left += attempt(() => {
      const instance = asFields("an instance", one);
      const asked = { ...readInstance(instance), times: times(instance) };
      store.register(partition, service, asked);
      return 0;
    });
  }
  return left;
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
