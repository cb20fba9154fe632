/**
 * The `file:` backend: services listed in a YAML file that is read again whenever it changes.
 *
 * The file is a list. `instances` holds endpoint strings, or mappings for those who want to say more:
 *
 * ```yaml
 * - service: AccountService
 *   app: default          # left out: every application finds it
 *   environment: ""       # left out: every environment
 *   version: 1.0.0        # of instances that do not say their own; 0.0.1 when left out
 *   instances:
 *     - rest://10.0.0.7:8080
 *     - rest://[fd00::7]:8443?sslEnabled=true
 *     - id: third           # left out: host:port of the first endpoint
 *       endpoints: [rest://10.0.0.9:8080, grpc://10.0.0.9:9090]   # or `endpoint:` for a single one
 *       version: 1.1.0
 *       status: UP          # UP, DOWN, STARTING, TESTING or OUTOFSERVICE
 *       properties: { stage: canary }
 *       region: r1
 *       zone: a
 * ```
 */
import type { Clock, Files, Logger } from "../../core/ports.ts";
import type { Instance } from "../../core/types.ts";
import { type FileService, readFileServices } from "./file_records.ts";
import {
  type FindAnswer,
  type RegistryBackend,
  RegistryError,
  type ServiceQuery,
} from "./registry.ts";

export interface FileBackendOptions {
  readonly path: string;
  readonly read: Files["read"];
  /** The YAML parser. Errors: anything thrown means that the text is no YAML. */
  readonly parse: (text: string) => unknown;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How often the file is looked at. Units: milliseconds. */
  readonly pollMs?: number;
}

/** A bad or missing file keeps the last good set and is warned about once per content. */
export function createFileBackend(options: FileBackendOptions): RegistryBackend {
  const source = new FileSource(options);
  const closed = new AbortController();
  return {
    kind: "file",
    address: options.path,
    discovery: {
      async find(query, revision): Promise<FindAnswer> {
        const found = select(await source.current(), query);
        if (!found) return { kind: "unknown" };
        // The text itself serves as the mark: exact, and never sent anywhere.
        const current = JSON.stringify(found);
        if (current === revision) return { kind: "unchanged" };
        return { kind: "set", revision: current, instances: found };
      },
      async names(scope) {
        const services = (await source.current()).filter((entry) => fits(entry, scope));
        return [...new Set(services.map((entry) => entry.service))].sort();
      },
    },
    watch: {
      watch: (changed, signal) =>
        source.watch(() => changed(undefined), AbortSignal.any([signal, closed.signal])),
    },
    close() {
      closed.abort();
      return Promise.resolve();
    },
  };
}

function fits(entry: FileService, scope: Omit<ServiceQuery, "name">): boolean {
  return (entry.app ?? scope.app) === scope.app &&
    (entry.environment ?? scope.environment) === scope.environment;
}

/** All instances of one service, sorted by id, or undefined when the file has no entry for it. */
function select(
  services: readonly FileService[],
  query: ServiceQuery,
): readonly Instance[] | undefined {
  const entries = services.filter((entry) => entry.service === query.name && fits(entry, query));
  if (entries.length === 0) return undefined;
  const instances = new Map<string, Instance>();
  for (const entry of entries) {
    for (const one of entry.instances) instances.set(one.instanceId, { ...one, app: query.app });
  }
  return [...instances.values()].sort((a, b) => a.instanceId < b.instanceId ? -1 : 1);
}

/** The newest good content of the file. */
class FileSource {
  readonly #options: FileBackendOptions;
  #seen: string | undefined;
  #good: readonly FileService[] | undefined;
  #trouble: string | undefined;

  constructor(options: FileBackendOptions) {
    this.#options = options;
  }

  /** Errors: RegistryError when there has been no good content yet. */
  async current(): Promise<readonly FileService[]> {
    const { path } = this.#options;
    let text: string | undefined;
    try {
      text = await this.#options.read(path);
    } catch (error) {
      return this.#bad("unreachable", `${path} cannot be read: ${wordsOf(error)}`);
    }
    if (text === undefined) return this.#bad("unreachable", `there is no file ${path}`);
    if (this.#good && text === this.#seen) {
      this.#trouble = undefined;
      return this.#good;
    }
    try {
      this.#good = readFileServices(this.#options.parse(text));
    } catch (error) {
      return this.#bad("garbled", `${path}: ${wordsOf(error)}`);
    }
    this.#seen = text;
    this.#trouble = undefined;
    return this.#good;
  }

  async watch(changed: () => void, signal: AbortSignal): Promise<void> {
    const { clock, pollMs = 1_000 } = this.#options;
    let known = this.#good;
    while (!signal.aborted) {
      const next = await this.current().catch(() => known);
      if (next !== known && !signal.aborted) changed();
      known = next;
      await clock.sleep(pollMs, signal);
    }
  }

  #bad(code: "unreachable" | "garbled", message: string): readonly FileService[] {
    if (this.#trouble !== message) {
      this.#trouble = message;
      const rest = this.#good ? "; the services read before stay" : "";
      this.#options.logger.warn(`the registry file is not usable: ${message}${rest}`);
    }
    if (this.#good) return this.#good;
    throw new RegistryError(code, message);
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
