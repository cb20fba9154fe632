/** Stand-ins for the registry side of tests: a log that remembers, a discovery with prepared answers, instances in one line. */
import type { Logger } from "../../lib/core/ports.ts";
import type { Instance, InstanceStatus } from "../../lib/core/types.ts";
import { parseEndpoint } from "../../lib/core/address.ts";
import type {
  Discovery,
  FindAnswer,
  NamesScope,
  RegistryBackend,
  ServiceQuery,
  Watch,
} from "../../lib/control/registry/registry.ts";

/** Remembers `level message` of every line. */
export class RecordingLogger implements Logger {
  readonly lines: string[] = [];
  error = (message: string) => void this.lines.push(`error ${message}`);
  warn = (message: string) => void this.lines.push(`warn ${message}`);
  info = (message: string) => void this.lines.push(`info ${message}`);
  debug = (message: string) => void this.lines.push(`debug ${message}`);

  /** The lines of one level. */
  of(level: "error" | "warn" | "info" | "debug"): readonly string[] {
    return this.lines.filter((line) => line.startsWith(`${level} `));
  }
}

/** One instance. Shape: its id is the host and port unless one is given. */
export function instance(
  endpoint: string,
  more: Partial<Instance> & { readonly status?: InstanceStatus } = {},
): Instance {
  const parsed = parseEndpoint(endpoint);
  if (!parsed) throw new Error(`${endpoint} is no endpoint`);
  return {
    instanceId: `${parsed.host}:${parsed.port}`,
    serviceId: "s1",
    app: "default",
    serviceName: "Account",
    version: "1.0.0",
    status: "UP",
    endpoints: [parsed],
    properties: {},
    ...more,
  };
}

/** Answers from a table that tests change; counts what it is asked. */
export class FakeDiscovery implements Discovery {
  /** Name to instances; a name that is not in it is unknown. Those of another application are `application/name`. */
  readonly services = new Map<string, readonly Instance[]>();
  /** Queries of another application than the one that is called default. */
  readonly foreign: string[] = [];
  readonly asked: string[] = [];
  readonly revisions: (string | undefined)[] = [];
  namesAsked = 0;
  /** Thrown by every call while it is set. */
  failure: Error | undefined;
  /** Every find waits for this while it is set. */
  gate: Promise<void> | undefined;

  async find(
    query: ServiceQuery,
    revision: string | undefined,
    signal: AbortSignal,
  ): Promise<FindAnswer> {
    this.asked.push(query.name);
    this.revisions.push(revision);
    if (this.gate) await Promise.race([this.gate, aborted(signal)]);
    if (this.failure) throw this.failure;
    const own = query.app === "default";
    if (!own) this.foreign.push(`${query.app}/${query.name}`);
    const instances = this.services.get(own ? query.name : `${query.app}/${query.name}`);
    if (!instances) return { kind: "unknown" };
    const current = JSON.stringify(instances);
    return current === revision
      ? { kind: "unchanged" }
      : { kind: "set", revision: current, instances };
  }

  names({ app }: NamesScope): Promise<readonly string[]> {
    this.namesAsked++;
    if (this.failure) return Promise.reject(this.failure);
    const names = [...this.services.keys()].sort();
    const prefix = `${app}/`;
    return Promise.resolve(
      app === "default"
        ? names.filter((name) => !name.includes("/"))
        : names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length)),
    );
  }
}

/** Wraps a discovery into a backend without registrar. */
export function fakeBackend(discovery: Discovery, watch?: Watch): RegistryBackend {
  return {
    kind: "fake",
    address: "nowhere",
    discovery,
    ...(watch ? { watch } : {}),
    close: () => Promise.resolve(),
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
