/** A program that speaks to the registry by itself, as a framework would: raw Service Center calls. */
import { assertEquals } from "@test/assert";

export interface OwnLease {
  readonly serviceId: string;
  readonly instanceId: string;
}

export class ServiceCenterCaller {
  readonly #base: string;

  constructor(registryUrl: string) {
    this.#base = `${registryUrl}/v4/default/registry`;
  }

  async #call(method: string, path: string, options: {
    readonly body?: unknown;
    readonly consumer?: string;
  } = {}): Promise<{ readonly status: number; readonly text: string }> {
    const response = await fetch(`${this.#base}${path}`, {
      method,
      headers: {
        "content-type": "application/json",
        "x-domain-name": "default",
        ...(options.consumer === undefined ? {} : { "x-consumerid": options.consumer }),
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
    return { status: response.status, text: await response.text() };
  }

  async service(serviceName: string): Promise<string> {
    const answer = await this.#call("POST", "/microservices", {
      body: { service: { appId: "default", serviceName, version: "1.0.0", registerBy: "SDK" } },
    });
    assertEquals(answer.status, 200, answer.text);
    return (JSON.parse(answer.text) as { serviceId: string }).serviceId;
  }

  async instance(serviceId: string, endpoints: readonly string[]): Promise<OwnLease> {
    const answer = await this.#call("POST", `/microservices/${serviceId}/instances`, {
      body: {
        instance: {
          hostName: "plain-program",
          endpoints,
          status: "UP",
          healthCheck: { mode: "push", interval: 30, times: 3 },
        },
      },
    });
    assertEquals(answer.status, 200, answer.text);
    return { serviceId, instanceId: (JSON.parse(answer.text) as OwnLease).instanceId };
  }

  /** Shape: the HTTP status. */
  async heartbeat({ serviceId, instanceId }: OwnLease): Promise<number> {
    const path = `/microservices/${serviceId}/instances/${instanceId}/heartbeat`;
    return (await this.#call("PUT", path)).status;
  }

  async deregister({ serviceId, instanceId }: OwnLease): Promise<number> {
    const path = `/microservices/${serviceId}/instances/${instanceId}`;
    return (await this.#call("DELETE", path)).status;
  }

  /** The endpoints of the instances that are up; none while the registry knows no such service. */
  async find(
    serviceName: string,
    consumer?: string,
  ): Promise<readonly { readonly status: string; readonly endpoints?: readonly string[] }[]> {
    const answer = await this.#call(
      "GET",
      `/instances?appId=default&serviceName=${serviceName}&version=0%2B&noCache=1`,
      consumer === undefined ? {} : { consumer },
    );
    if (answer.status === 400 && answer.text.includes('"400012"')) return [];
    assertEquals(answer.status, 200, answer.text);
    const { instances = [] } = JSON.parse(answer.text) as {
      instances?: { status: string; endpoints?: string[] }[];
    };
    return instances;
  }
}
