/** A registry without sockets: requests go straight into its app, time stands still until a test moves it. */
import type { Files, Logger } from "../../../../lib/core/ports.ts";
import {
  createEmbeddedRegistry,
  type EmbeddedRegistryOptions,
} from "../../../../lib/control/embedded/embedded.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

export interface Told {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON, when it is JSON. */
  readonly json: WireAnswer;
}

/** The fields of answers that the tests read; which of them are there depends on the call. */
export interface WireAnswer {
  readonly errorCode: string;
  readonly serviceId: string;
  readonly instanceId: string;
  readonly instance: { readonly status: string };
  readonly instances?: readonly {
    readonly instanceId: string;
    readonly serviceId: string;
    readonly endpoints: readonly string[];
  }[];
  readonly services: readonly unknown[] & {
    readonly updated: readonly { readonly index: number; readonly rev: string }[];
    readonly failed: readonly {
      readonly indexes: readonly number[];
      readonly error: { readonly errorCode: string };
    }[];
  };
}

export type Registry = ReturnType<typeof createRegistry>;

/** A registry that has not been started, with handy calls. */
export function createRegistry(options: Partial<EmbeddedRegistryOptions> = {}) {
  const clock = new FakeClock();
  const logs: string[] = [];
  let state = 1;
  const registry = createEmbeddedRegistry({
    clock,
    // A plain sequence, so that a failing test fails the same way again.
    random: () => (state = (state * 48271) % 2147483647) / 2147483647,
    logger: logInto(logs),
    selfAddress: "10.0.0.9:30100",
    version: "1.2.3",
    ...options,
  });
  const base = "http://registry.test/v4/default/registry";
  async function call(method: string, path: string, more: CallOptions = {}): Promise<Told> {
    const url = path.startsWith("/v4/") || path.startsWith("/registry/")
      ? `http://registry.test${path}`
      : base + path;
    const body = more.body === undefined || typeof more.body === "string" ||
        more.body instanceof Uint8Array
      ? more.body
      : JSON.stringify(more.body);
    const response = await registry.fetch(
      new Request(url, {
        method,
        headers: more.headers ?? {},
        body: body === undefined ? null : body as BodyInit,
      }),
    );
    const text = await response.text();
    const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson ? JSON.parse(text) : undefined,
    };
  }
  return {
    registry,
    clock,
    logs,
    call,
    async service(serviceName: string, more: Record<string, unknown> = {}): Promise<string> {
      const service = { appId: "shop", serviceName, version: "1.0.0", ...more };
      return (await call("POST", "/microservices", { body: { service } })).json.serviceId;
    },
    async instance(serviceId: string, more: Record<string, unknown> = {}): Promise<string> {
      const instance = { hostName: "host", endpoints: ["rest://10.0.0.1:8080"], ...more };
      const path = `/microservices/${serviceId}/instances`;
      return (await call("POST", path, { body: { instance } })).json.instanceId;
    },
    heartbeat(serviceId: string, instanceId: string): Promise<Told> {
      return call("PUT", `/microservices/${serviceId}/instances/${instanceId}/heartbeat`);
    },
    async listed(serviceId: string): Promise<string[]> {
      const { json } = await call("GET", `/microservices/${serviceId}/instances`);
      return (json.instances ?? []).map((one) => one.instanceId);
    },
  };
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** Collects messages with their level in front. */
export function logInto(logs: string[]): Logger {
  const at = (level: string) => (message: string) => void logs.push(`${level}: ${message}`);
  return { error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug") };
}

/** Files in memory; `failing` makes every write fail with that message. */
export class MemoryFiles implements Files {
  readonly texts = new Map<string, string>();
  failing: string | undefined;
  writes = 0;

  read(path: string): Promise<string | undefined> {
    return Promise.resolve(this.texts.get(path));
  }

  replace(path: string, text: string): Promise<void> {
    if (this.failing !== undefined) return Promise.reject(new Error(this.failing));
    this.writes++;
    this.texts.set(path, text);
    return Promise.resolve();
  }

  setAside(path: string, suffix: string): Promise<void> {
    const text = this.texts.get(path);
    this.texts.delete(path);
    if (text !== undefined) this.texts.set(path + suffix, text);
    return Promise.resolve();
  }
}
