/** A registry in memory with services of equal size, whose instances are exchanged one at a time. */
import type {
  Discovery,
  FindAnswer,
  ServiceQuery,
} from "../../../lib/control/registry/registry.ts";
import type { Instance } from "../../../lib/core/types.ts";

interface Entry {
  instances: readonly Instance[];
  revision: number;
}

export class LargeRegistry implements Discovery {
  readonly services: readonly string[];
  /** When the last answer was complete, on the monotonic clock. Units: milliseconds. */
  answeredAtMs = 0;
  readonly #entries = new Map<string, Entry>();
  #serial = 0;

  constructor(services: number, size: number) {
    this.services = Array.from({ length: services }, (_, index) => `Service${index}`);
    for (const name of this.services) {
      const instances = Array.from({ length: size }, () => this.#make(name));
      this.#entries.set(name, { instances, revision: 1 });
    }
  }

  #make(name: string): Instance {
    const serial = this.#serial++;
    const host = `10.${(serial >> 16) & 255}.${(serial >> 8) & 255}.${serial & 255}`;
    return {
      instanceId: serial.toString(16).padStart(32, "0"),
      serviceId: `id-of-${name}`,
      app: "default",
      serviceName: name,
      version: "1.0.0",
      status: "UP",
      endpoints: [{ protocol: "rest", secure: false, host, port: 8080 }],
      properties: { build: "2024-10-01", rack: String(serial % 40) },
    };
  }

  /** A service that is one program. */
  add(name: string, host: string, port: number): void {
    const one = this.#make(name);
    const endpoints = [{ ...one.endpoints[0]!, host, port }];
    this.#entries.set(name, { instances: [{ ...one, endpoints }], revision: 1 });
  }

  /** Another instance takes the place of one. */
  exchange(name: string): void {
    const entry = this.#entries.get(name)!;
    const instances = [...entry.instances];
    instances[this.#serial % instances.length] = this.#make(name);
    entry.instances = instances;
    entry.revision++;
  }

  /** Others take the place of all instances. */
  exchangeAll(name: string): void {
    const entry = this.#entries.get(name)!;
    entry.instances = entry.instances.map(() => this.#make(name));
    entry.revision++;
  }

  find(query: ServiceQuery, revision: string | undefined): Promise<FindAnswer> {
    const entry = this.#entries.get(query.name);
    if (entry === undefined) return Promise.resolve({ kind: "unknown" });
    const current = String(entry.revision);
    let answer: FindAnswer = { kind: "unchanged" };
    if (revision !== current) {
      // As from the network: no object is one of the last answer.
      const instances = JSON.parse(JSON.stringify(entry.instances)) as Instance[];
      answer = { kind: "set", revision: current, instances };
    }
    this.answeredAtMs = performance.now();
    return Promise.resolve(answer);
  }

  names(): Promise<readonly string[]> {
    return Promise.resolve([...this.#entries.keys()]);
  }
}
