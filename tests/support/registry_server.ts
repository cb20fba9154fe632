/** A tiny Service Center for tests, with the habits of the original that clients have to cope with. */
import type { Fetch } from "../../lib/core/ports.ts";

interface StoredInstance {
  readonly instanceId: string;
  readonly [field: string]: unknown;
}

interface StoredService {
  readonly record: Record<string, unknown>;
  readonly instances: Map<string, StoredInstance>;
}

/**
 * Answers the calls a sidecar makes, from memory.
 *
 * Shape: registering under a living id stores nothing, as in the original; leases never run out by themselves.
 */
export class TinyServiceCenter {
  readonly services = new Map<string, StoredService>();
  /** `METHOD path` of every call, without the base path. */
  readonly calls: string[] = [];
  /** `X-ConsumerId` of every find, undefined where there was none. */
  readonly consumers: (string | undefined)[] = [];
  #revision = 0;
  #ids = 0;

  readonly fetch: Fetch = (url, init) => Promise.resolve(this.handle(new Request(url, init)));

  readonly handle = async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    const path = url.pathname.replace(/^\/v4\/default\/registry/, "");
    this.calls.push(`${request.method} ${path}${url.search}`);
    const text = await request.text();
    const body = text === "" ? {} : JSON.parse(text);
    const [, top, serviceId = "", , instanceId = "", tail] = path.split("/");
    if (top === "existence") return this.#existence(url.searchParams);
    if (top === "instances") return this.#find(request, url.searchParams);
    if (top !== "microservices") return new Response("404 page not found", { status: 404 });
    if (serviceId === "") {
      return request.method === "POST" ? this.#create(body.service) : this.#list();
    }
    const service = this.services.get(serviceId);
    if (path.endsWith("/instances")) {
      if (!service) return problem("400012");
      return request.method === "POST"
        ? this.#register(service, body.instance)
        : Response.json({ instances: [...service.instances.values()] });
    }
    if (instanceId !== "") {
      const instance = service?.instances.get(instanceId);
      if (!service || !instance) return problem("400017");
      if (tail === "heartbeat") return empty();
      if (tail === "status") {
        return this.#put(service, { ...instance, status: url.searchParams.get("value") });
      }
      if (request.method === "DELETE") {
        service.instances.delete(instanceId);
        this.#revision++;
        return empty();
      }
      return Response.json({ instance });
    }
    if (!service) return problem("400012");
    if (path.endsWith("/properties")) {
      service.record.properties = body.properties;
      return empty();
    }
    return Response.json({ service: service.record });
  };

  /** What is stored under a service name, in the order of registration. */
  instancesOf(name: string): readonly StoredInstance[] {
    return [...this.services.values()].filter((one) => one.record.serviceName === name)
      .flatMap((one) => [...one.instances.values()]);
  }

  /** Forgets instances but not services, as after leases ran out. */
  expireAll(): void {
    for (const { instances } of this.services.values()) instances.clear();
    this.#revision++;
  }

  #existence(query: URLSearchParams): Response {
    const named = [...this.services.values()].map((one) => one.record).filter((one) =>
      one.appId === query.get("appId") && one.serviceName === query.get("serviceName") &&
      one.environment === (query.get("env") ?? "")
    );
    if (named.length === 0) return problem("400012");
    const found = named.find((one) => one.version === query.get("version"));
    return found ? Response.json({ serviceId: found.serviceId }) : problem("400026");
  }

  #create(service: Record<string, unknown>): Response {
    const serviceId = [service.environment, service.appId, service.serviceName, service.version]
      .join("~");
    if (!this.services.has(serviceId)) {
      this.services.set(serviceId, { record: { ...service, serviceId }, instances: new Map() });
    }
    return Response.json({ serviceId });
  }

  #list(): Response {
    const services = [...this.services.values()].map((one) => one.record);
    return Response.json(services.length === 0 ? {} : { services });
  }

  #register(service: StoredService, instance: Record<string, unknown>): Response {
    const instanceId = String(instance.instanceId ?? `i${++this.#ids}`);
    if (!service.instances.has(instanceId)) this.#put(service, { ...instance, instanceId });
    return Response.json({ instanceId });
  }

  #put(service: StoredService, instance: StoredInstance): Response {
    const { serviceId, version } = service.record;
    service.instances.set(instance.instanceId, { ...instance, serviceId, version });
    this.#revision++;
    return empty();
  }

  #find(request: Request, query: URLSearchParams): Response {
    const consumer = request.headers.get("X-ConsumerId") ?? undefined;
    this.consumers.push(consumer);
    if (consumer !== undefined && !this.services.has(consumer)) return problem("400012");
    const named = [...this.services.values()].filter(({ record }) =>
      record.appId === query.get("appId") && record.serviceName === query.get("serviceName") &&
      record.environment === (query.get("env") ?? "")
    );
    if (named.length === 0) return problem("400012");
    const revision = `r${this.#revision}`;
    const headers = { "X-Resource-Revision": revision };
    if (query.get("rev") === revision) return new Response(null, { status: 304, headers });
    const instances = named.flatMap((one) => [...one.instances.values()]);
    return Response.json(instances.length === 0 ? {} : { instances }, { headers });
  }
}

function empty(): Response {
  return new Response("", { status: 200 });
}

function problem(errorCode: string): Response {
  return Response.json({ errorCode, errorMessage: "refused", detail: "by the test" }, {
    status: 400,
  });
}
