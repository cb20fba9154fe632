/** What stands around the chassis programs: plain apps behind sidecars, contracts, calls without a pause. */
import { assertEquals } from "@test/assert";
import {
  type ChassisOptions,
  type Provider,
  type RegistryAccess,
  startGoProvider,
  startJava,
} from "./chassis.ts";
import type { Peer } from "./chassis_build.ts";
import { type Lab, pause, until } from "./process.ts";
import { pickPort } from "./ports.ts";
import { type SidecarProcess, startSidecar, untilRegistered } from "./process_mesher.ts";

const plainApp = new URL("./chassis_app.ts", import.meta.url).pathname;

/** What tests that hold for every framework have to know of one. */
export interface Framework {
  readonly name: string;
  readonly peer: Peer;
  /** How its consumers write the URL of a service. */
  readonly scheme: string;
  provider(lab: Lab, options: Omit<ChassisOptions, "peer">): Promise<Provider>;
}

export function frameworksOf(
  { go, java }: { readonly go: Peer; readonly java: Peer },
): readonly Framework[] {
  return [
    {
      name: "go-chassis",
      peer: go,
      scheme: "http",
      provider: (lab, options) => startGoProvider(lab, { peer: go, ...options }),
    },
    {
      name: "java-chassis",
      peer: java,
      scheme: "cse",
      provider: (lab, options) => startJava(lab, { peer: java, ...options }),
    },
  ];
}

/** A sidecar of a consumer that has a name. */
export function startStore(lab: Lab, registry: RegistryAccess): Promise<SidecarProcess> {
  return startSidecar(lab, {
    name: "store",
    env: {
      REGISTRY: registry.url,
      SERVICE: "StoreWeb",
      PORTS: "rest:1",
      CHECK: "none",
      DISCOVERY_POLL: "1s",
    },
  });
}

/** A plain application under `mesher run`, listed in the registry; `next` is what it calls in turn. */
export async function startPlain(
  lab: Lab,
  options: {
    readonly registry: string;
    readonly service: string;
    /** What it calls itself in answers; unset: its service. */
    readonly name?: string;
    /** Its application; unset: `default`. */
    readonly app?: string;
    /** Folder of its contracts. */
    readonly schemas?: string;
    readonly next?: string;
  },
): Promise<SidecarProcess> {
  const { registry, service, name = service, app = "default", next, schemas } = options;
  const port = pickPort();
  const program = [Deno.execPath(), "run", "-A", "--quiet", plainApp, String(port), name];
  const sidecar = await startSidecar(lab, {
    name,
    app: next === undefined ? program : [...program, next],
    env: {
      REGISTRY: registry,
      APP: app,
      SERVICE: service,
      PORTS: `rest:${port}`,
      HEARTBEAT_INTERVAL: "5s",
      ...(schemas === undefined ? {} : { SCHEMAS: schemas }),
    },
  });
  await untilRegistered(sidecar);
  return sidecar;
}

/** Gives one service the contract of another, as an operator would with the registry's own interface. */
export async function copyContract(
  registryUrl: string,
  copy: { readonly from: string; readonly to: string; readonly schema: string },
): Promise<void> {
  const read = await fetch(await contractUrl(registryUrl, copy.from, copy.schema));
  assertEquals(read.status, 200);
  const written = await fetch(await contractUrl(registryUrl, copy.to, copy.schema), {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: await read.text(),
  });
  assertEquals([written.status, await written.text()], [200, ""]);
}

/** The contract of a service as the registry has it. */
export async function readContract(
  registryUrl: string,
  of: { readonly service: string; readonly schema: string },
): Promise<string> {
  const read = await fetch(await contractUrl(registryUrl, of.service, of.schema));
  assertEquals(read.status, 200);
  return (await read.json() as { schema: string }).schema;
}

async function contractUrl(registryUrl: string, name: string, schema: string): Promise<string> {
  const base = `${registryUrl}/v4/default/registry/microservices`;
  const { services } = await (await fetch(base)).json() as {
    services: { serviceName: string; serviceId: string }[];
  };
  const { serviceId } = services.find((service) => service.serviceName === name)!;
  return `${base}/${serviceId}/schemas/${schema}`;
}

export interface LoopAnswer {
  readonly status: number;
  readonly body: string;
}

export interface LoopClient {
  call(): Promise<LoopAnswer>;
  close(): void;
}

/** Calls without a pause from several clients until it is disposed of. */
export class CallLoop implements AsyncDisposable {
  count = 0;
  readonly failures: string[] = [];
  readonly #by = new Map<string, number>();
  readonly #loops: readonly Promise<void>[];
  #over = false;

  constructor(clients: number, open: () => LoopClient) {
    this.#loops = Array.from({ length: clients }, () => this.#run(open()));
  }

  /** Waits for so many further answers of one provider. */
  async answersBy(name: string, count: number): Promise<void> {
    const enough = (this.#by.get(name) ?? 0) + count;
    await until(
      () => (this.#by.get(name) ?? 0) >= enough ? true : undefined,
      () => `${count} answers by ${name}; failed so far: ${this.failures.slice(0, 3).join("; ")}`,
    );
  }

  async #run(client: LoopClient): Promise<void> {
    while (!this.#over) {
      try {
        const { status, body } = await client.call();
        if (status === 200) this.#answered(JSON.parse(body).by);
        else this.failures.push(`${status} ${body}`);
      } catch (error) {
        this.failures.push(String(error));
      }
      this.count++;
      await pause(5);
    }
    client.close();
  }

  #answered(by: string): void {
    this.#by.set(by, (this.#by.get(by) ?? 0) + 1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    await Promise.all(this.#loops);
  }
}
