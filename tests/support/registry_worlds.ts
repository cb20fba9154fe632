/** Real registries in this process, each with a backend that speaks to it and a way to publish services from outside. */
import { parse, stringify } from "@std/yaml";
import type { InstanceStatus } from "../../lib/core/types.ts";
import { createEmbeddedRegistry } from "../../lib/control/embedded/embedded.ts";
import { createFileBackend } from "../../lib/control/registry/file.ts";
import type { RegistryBackend } from "../../lib/control/registry/registry.ts";
import { createServiceCenterBackend } from "../../lib/control/registry/service_center.ts";
import { realClock } from "../../lib/platform/real_clock.ts";
import { realFiles } from "../../lib/platform/files.ts";
import { RecordingLogger } from "./registry_fakes.ts";
import { TinyServiceCenter } from "./registry_server.ts";

export interface PublishedInstance {
  readonly id: string;
  readonly endpoints: readonly string[];
  readonly status?: InstanceStatus;
  readonly properties?: Readonly<Record<string, string>>;
}

/** One version of one service with its whole set of instances. */
export interface PublishedService {
  readonly service: string;
  readonly version: string;
  readonly app?: string;
  readonly environment?: string;
  readonly instances: readonly PublishedInstance[];
}

export interface RegistryWorld extends AsyncDisposable {
  readonly backend: RegistryBackend;
  /** Makes the registry hold exactly these services. Instances of services that are left out vanish. */
  publish(services: readonly PublishedService[]): Promise<void>;
  /** The registry forgets all instances, as after an outage longer than their leases. */
  forgetInstances?(): Promise<void>;
  /** Takes the registry away. */
  vanish(): Promise<void>;
}

type Handler = (request: Request) => Promise<Response>;

/** A Service Center backend over HTTP against whatever answers there. */
function serviceCenterWorld(handler: Handler): RegistryWorld {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, handler);
  const client = Deno.createHttpClient({});
  const address = `http://127.0.0.1:${server.addr.port}`;
  const fetcher = (url: string, init?: RequestInit) => fetch(url, { ...init, client });
  const backend = createServiceCenterBackend({
    addresses: [address],
    fetch: fetcher,
    clock: realClock,
    random: Math.random,
    logger: new RecordingLogger(),
    version: "0.0.1",
  });
  const published = new Map<string, string>();
  let closed: Promise<void> | undefined;

  async function call(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetcher(`${address}/v4/default/registry${path}`, {
      method,
      headers: { "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  async function withdrawAll(): Promise<void> {
    for (const path of published.values()) await call("DELETE", path);
    published.clear();
  }

  function close(): Promise<void> {
    return closed ??= (async () => {
      client.close();
      await server.shutdown();
    })();
  }

  return {
    backend,
    async publish(services) {
      await withdrawAll();
      for (const { service, version, app = "default", environment = "", instances } of services) {
        const record = { appId: app, serviceName: service, version, environment };
        const { serviceId } = await call("POST", "/microservices", { service: record }) as {
          readonly serviceId: string;
        };
        for (const { id, ...rest } of instances) {
          const instance = { hostName: "host-1", status: "UP", ...rest, instanceId: id };
          await call("POST", `/microservices/${serviceId}/instances`, { instance });
          published.set(id, `/microservices/${serviceId}/instances/${id}`);
        }
      }
    },
    async forgetInstances() {
      const { services = [] } = await call("GET", "/microservices") as {
        readonly services?: readonly { readonly serviceId: string }[];
      };
      for (const { serviceId } of services) {
        const { instances = [] } = await call("GET", `/microservices/${serviceId}/instances`) as {
          readonly instances?: readonly { readonly instanceId: string }[];
        };
        for (const { instanceId } of instances) {
          await call("DELETE", `/microservices/${serviceId}/instances/${instanceId}`);
        }
      }
    },
    vanish: close,
    async [Symbol.asyncDispose]() {
      await backend.close();
      await close();
    },
  };
}

/** The Service Center client against the registry that mesher brings along. */
export async function embeddedWorld(): Promise<RegistryWorld> {
  const registry = createEmbeddedRegistry({
    clock: realClock,
    random: Math.random,
    logger: new RecordingLogger(),
    selfAddress: "127.0.0.1:30100",
    version: "0.0.1",
  });
  await registry.start();
  const world = serviceCenterWorld((request) => registry.fetch(request));
  return {
    ...world,
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      await registry.stop();
    },
  };
}

/** The Service Center client against the stand-in of the unit tests, which is thereby held to the same answers. */
export function tinyWorld(): Promise<RegistryWorld> {
  return Promise.resolve(serviceCenterWorld(new TinyServiceCenter().handle));
}

/** The `file:` backend on a real file. */
export async function fileWorld(): Promise<RegistryWorld> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/services.yaml`;
  const backend = createFileBackend({
    path,
    read: (name) => realFiles.read(name),
    parse,
    clock: realClock,
    logger: new RecordingLogger(),
    pollMs: 20,
  });
  return {
    backend,
    publish: (services) =>
      realFiles.replace(
        path,
        stringify(services.map((one) => ({ app: "default", environment: "", ...one }))),
      ),
    vanish: () => Deno.remove(path).catch(() => {}),
    async [Symbol.asyncDispose]() {
      await backend.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
