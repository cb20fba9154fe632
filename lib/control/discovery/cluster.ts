/** Turns a set of instances into what data threads dial: addresses of endpoints, and reasons for those left out. */
import { isIpLiteral } from "../../core/address.ts";
import { type Endpoint, type Instance, MESHER_PROPERTY } from "../../core/types.ts";
import type { ClusterSnapshot, EndpointSnapshot } from "../../plane/messages.ts";
import type { HostAnswer } from "./hosts.ts";
import { isUsable, type ServiceSet } from "./service_set.ts";

export interface ClusterOptions {
  /** Counter block of the service. */
  readonly block: number;
  /** For endpoints that are published with a host name. Never rejects. */
  readonly lookupHost: (name: string) => Promise<HostAnswer>;
}

/**
 * The cluster snapshot of one set.
 *
 * Shape: never rejects; in the order of the set. Of a host name with several addresses the first counts. An endpoint
 * is listed once, also when two records name it.
 */
export async function clusterSnapshot(
  set: ServiceSet,
  options: ClusterOptions,
): Promise<ClusterSnapshot> {
  const found = await Promise.all(set.instances.map((one) => endpointsOf(one, options)));
  const endpoints = new Map<string, EndpointSnapshot>();
  for (const one of found.flatMap((each) => each.endpoints)) {
    const key = `${one.host} ${one.port}`;
    if (!endpoints.has(key)) endpoints.set(key, one);
  }
  return {
    service: set.service,
    block: options.block,
    endpoints: [...endpoints.values()],
    unusable: found.flatMap((each) => each.unusable),
  };
}

/** Beyond it a weight is a mistake: the others would get nothing. */
const maxWeight = 1000;

interface Found {
  readonly endpoints: readonly EndpointSnapshot[];
  readonly unusable: readonly string[];
}

async function endpointsOf(instance: Instance, options: ClusterOptions): Promise<Found> {
  const none = (why: string): Found => ({
    endpoints: [],
    unusable: [`${instance.instanceId} ${why}`],
  });
  if (!isUsable(instance)) return none(`is ${instance.status}`);
  const http = instance.endpoints.filter((one) => one.protocol === "rest");
  if (http.length === 0) return none("has no rest endpoint");
  const plain = http.filter((one) => !one.secure);
  if (plain.length === 0) return none("wants TLS, which is not supported yet");
  const endpoints: EndpointSnapshot[] = [];
  const unusable: string[] = [];
  for (const endpoint of plain) {
    const host = await addressOf(endpoint, options);
    if (typeof host === "object") unusable.push(`${instance.instanceId}: ${host.detail}`);
    else {
      endpoints.push({
        host,
        port: endpoint.port,
        instanceId: instance.instanceId,
        version: instance.version,
        mesher: instance.properties[MESHER_PROPERTY] !== undefined,
        tags: instance.properties,
        ...placeOf(instance),
        ...weightOf(instance),
      });
    }
  }
  return { endpoints, unusable };
}

function placeOf({ region, zone }: Instance): Pick<EndpointSnapshot, "region" | "zone"> {
  return { ...(region === undefined ? {} : { region }), ...(zone === undefined ? {} : { zone }) };
}

/** The property `weight`, where it is a number that can be one. */
function weightOf({ properties }: Instance): Pick<EndpointSnapshot, "weight"> {
  const weight = Number(properties.weight);
  return weight > 0 && weight <= maxWeight ? { weight } : {};
}

async function addressOf(
  endpoint: Endpoint,
  options: ClusterOptions,
): Promise<string | { readonly detail: string }> {
  if (isIpLiteral(endpoint.host)) return endpoint.host;
  const answer = await options.lookupHost(endpoint.host);
  return answer.kind === "host_unknown" ? answer : answer.addresses[0]!;
}
