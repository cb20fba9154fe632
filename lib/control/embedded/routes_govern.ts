/** Routes of overviews: what the registry holds, for sidecars that index addresses and for people. */
import { json } from "./answers.ts";
import type { Call, Route } from "./call.ts";
import { type FindPlaces, knownService } from "./find.ts";
import type { Partition } from "./partition.ts";
import { listOrNone, overviewOf, serviceJson, type ServiceRecord, textsOrNone } from "./records.ts";
import { cacheOf } from "./records.ts";
import { consumersOf, providersOf } from "./routes_dependencies.ts";
import { schemaInfos } from "./routes_schemas.ts";
import { checkText, flag, textRules } from "./rules.ts";

/** The routes, below the base of views. */
export function governRoutes(places: FindPlaces): readonly Route[] {
  return [
    { path: "/microservices", methods: { GET: (call) => overview(places, call) } },
    { path: "/microservices/:serviceId", methods: { GET: (call) => detail(places, call) } },
    { path: "/apps", methods: { GET: (call) => apps(call) } },
    {
      path: "/statistics",
      methods: {
        GET: (call) => json({ statistics: statisticsOf(call.partition) }),
      },
    },
    { path: "/relations", methods: { GET: (call) => relations(call) } },
  ];
}

function overview(places: FindPlaces, call: Call): Response {
  const { partition } = call;
  const options = new Set((call.query("options") ?? "").split(","));
  const wants = (option: string) => options.has(option) || options.has("all");
  const parts: string[] = [];
  const onlyStatistics = options.size === 1 && options.has("statistics");
  if (!onlyStatistics) {
    const services = [...filtered(partition, call)];
    if (flag(call.query("withShared"))) services.push(places.own.service);
    const details = services.map((one) =>
      flag(call.query("countOnly"))
        ? countsText(one, wants("instances"))
        : detailText(partition, one, wants)
    );
    if (details.length > 0) parts.push(`"allServicesDetail":[${details.join(",")}]`);
  }
  if (wants("statistics")) {
    parts.push(`"statistics":${JSON.stringify(statisticsOf(partition))}`);
  }
  return json(`{${parts.join(",")}}`);
}

/** The services that fit all the filters of the query. An empty filter fits everything. */
function* filtered(partition: Partition, call: Call): Iterable<ServiceRecord> {
  const wanted = {
    appId: call.query("appId") ?? "",
    serviceName: call.query("serviceName") ?? "",
    environment: call.query("env") ?? "",
  };
  const properties = call.queries("property").map((pair) => {
    const colon = pair.indexOf(":");
    return colon < 0
      ? { key: pair, value: undefined }
      : { key: pair.slice(0, colon), value: pair.slice(colon + 1) };
  });
  for (const service of partition.services.values()) {
    const named = (["appId", "serviceName", "environment"] as const)
      .every((field) => wanted[field] === "" || wanted[field] === service[field]);
    const described = properties.every(({ key, value }) =>
      value === undefined ? service.properties.has(key) : service.properties.get(key) === value
    );
    if (named && described) yield service;
  }
}

function detailText(
  partition: Partition,
  service: ServiceRecord,
  wants: (option: string) => boolean,
): string {
  const parts = [`"microService":${JSON.stringify(serviceJson(service, { withSchemas: false }))}`];
  if (wants("instances") && service.instances.size > 0) {
    parts.push(`"instances":[${overviewOf(service)}]`);
  }
  const rest = {
    schemaInfos: wants("schemas")
      ? listOrNone(schemaInfos(service, { withText: false }))
      : undefined,
    providers: wants("dependencies")
      ? listOrNone(providersOf(partition, service).map((one) => serviceJson(one)))
      : undefined,
    consumers: wants("dependencies")
      ? listOrNone(consumersOf(partition, service).map((one) => serviceJson(one)))
      : undefined,
    tags: wants("tags") ? textsOrNone(service.tags) : undefined,
  };
  const restText = JSON.stringify(rest).slice(1, -1);
  if (restText !== "") parts.push(restText);
  return `{${parts.join(",")}}`;
}

function countsText(service: ServiceRecord, withInstances: boolean): string {
  return JSON.stringify({
    microService: serviceJson(service, { withSchemas: false }),
    statics: withInstances ? { instances: { count: service.instances.size } } : undefined,
  });
}

function detail(places: FindPlaces, call: Call): Response {
  const { partition } = call;
  const service = knownService(places, partition, call.param("serviceId"));
  const versions = partition.named(service)?.services.keys() ?? [service.version];
  const rest = JSON.stringify({
    schemaInfos: listOrNone(schemaInfos(service, { withText: true })),
    providers: listOrNone(providersOf(partition, service).map((one) => serviceJson(one))),
    consumers: listOrNone(consumersOf(partition, service).map((one) => serviceJson(one))),
    tags: textsOrNone(service.tags),
    microServiceVersions: [...versions],
  }).slice(1, -1);
  const instances = service.instances.size === 0 ? "" : `"instances":[${cacheOf(service).listed}],`;
  const record = JSON.stringify(serviceJson(service));
  return json(`{"service":{"microService":${record},${instances}${rest}}}`);
}

function apps(call: Call): Response {
  const environment = checkText("env", call.query("env") ?? "", textRules.environment);
  const ids = new Set<string>();
  for (const service of call.partition.services.values()) {
    if (service.environment === environment) ids.add(service.appId);
  }
  return json(ids.size === 0 ? {} : { appIds: [...ids] });
}

/** Shape: zero counts are left out; the count by domain is that of the project, as in the original. */
function statisticsOf(partition: Partition): object {
  const services = [...partition.services.values()];
  const instances = services.reduce((sum, one) => sum + one.instances.size, 0);
  return {
    services: {
      count: services.length || undefined,
      onlineCount: services.filter((one) => one.instances.size > 0).length || undefined,
    },
    instances: { count: instances || undefined, countByDomain: instances || undefined },
    apps: { count: new Set(services.map((one) => one.appId)).size || undefined },
  };
}

/** The graph of who depends on whom. Shape: null for an empty list, as the original answers here and only here. */
function relations(call: Call): Response {
  const { partition } = call;
  const services = [...partition.services.values()];
  const lines = services.flatMap((consumer) =>
    providersOf(partition, consumer)
      .filter((provider) => provider !== consumer)
      .map((provider) => ({
        from: node(consumer),
        to: { ...node(provider), appId: "", version: "" },
        type: "",
        color: "",
        descriptor: "",
      }))
  );
  return json({
    nodes: listOrNone(services.map(node)) ?? null,
    lines: listOrNone(lines) ?? null,
    circles: null,
  });
}

function node(service: ServiceRecord) {
  return {
    id: service.serviceId,
    name: service.serviceName,
    appId: service.appId,
    version: service.version,
    type: "",
    color: "",
    position: "",
  };
}
