/** Turns a set of instances into what data threads dial: addresses of endpoints, and reasons for those left out. */
import { isIpLiteral } from "../../core/address.ts";
import { type Instance, MESHER_PROPERTY } from "../../core/types.ts";
import type { ClusterSnapshot, EndpointSnapshot } from "../../plane/messages.ts";
import type { HostAnswer } from "./hosts.ts";
import { isUsable, type ServiceSet } from "./service_set.ts";

export interface ClusterOptions {
  /** Counter block of the service. */
  readonly block: number;
  /** For endpoints that are published with a host name. Never rejects. */
  readonly lookupHost: (name: string) => Promise<HostAnswer>;
}

/** What each record of a set was found to offer. Shape: both in the order of the set. */
export interface ResolvedSet {
  readonly instances: readonly Instance[];
  readonly found: readonly Found[];
  /** Those that name a host: what they offer is another as soon as the host's address is. */
  readonly named: ReadonlySet<Instance>;
}

/** Shape: the record alone, where it is one endpoint and nothing else; thousands of them are kept. */
type Found = EndpointSnapshot | {
  readonly endpoints: readonly EndpointSnapshot[];
  readonly unusable: readonly string[];
};

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
  return clusterOf(set.service, await resolveSet(set, options), options.block);
}

/**
 * Finds out what the records of a set offer.
 *
 * Shape: never rejects. Of a record that `before` has too and that names no host, the finding is the same object.
 */
export async function resolveSet(
  { instances }: ServiceSet,
  { lookupHost }: Pick<ClusterOptions, "lookupHost">,
  before: ResolvedSet = { instances: [], found: [], named: new Set() },
): Promise<ResolvedSet> {
  const found: Found[] = new Array(instances.length);
  const later: Promise<void>[] = [];
  const named = new Set<Instance>();
  let at = 0;
  instances.forEach((one, index) => {
    // Both are in the order of ids.
    while (at < before.instances.length && before.instances[at]!.instanceId < one.instanceId) at++;
    if (before.instances[at] === one && !before.named.has(one)) found[index] = before.found[at]!;
    else if (!needsLookup(one)) found[index] = endpointsOf(one, noHosts);
    else {
      named.add(one);
      later.push(
        hostsOf(one, lookupHost).then((hosts) => {
          found[index] = endpointsOf(one, hosts);
        }),
      );
    }
  });
  await Promise.all(later);
  return { instances, found, named };
}

/** Puts together what a set was found to offer. */
export function clusterOf(
  service: string,
  { found }: ResolvedSet,
  block: number,
): ClusterSnapshot {
  const endpoints: EndpointSnapshot[] = [];
  const unusable: string[] = [];
  const addresses = new Set<string>();
  const add = (one: EndpointSnapshot) => {
    const key = `${one.host} ${one.port}`;
    if (addresses.has(key)) return;
    addresses.add(key);
    endpoints.push(one);
  };
  for (const each of found) {
    if ("host" in each) add(each);
    else {
      each.endpoints.forEach(add);
      unusable.push(...each.unusable);
    }
  }
  return { service, block, endpoints, unusable };
}

const noHosts: ReadonlyMap<string, HostAnswer> = new Map();

function needsLookup({ endpoints }: Instance): boolean {
  return endpoints.some((one) => !isIpLiteral(one.host));
}

/** Beyond it a weight is a mistake: the others would get nothing. */
const maxWeight = 1000;

/** Shape: `hosts` has the answers for all names of hosts that endpoints to dial have. */
function endpointsOf(instance: Instance, hosts: ReadonlyMap<string, HostAnswer>): Found {
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
  for (const { host: name, port } of plain) {
    const answer = hosts.get(name);
    if (answer?.kind === "host_unknown") unusable.push(`${instance.instanceId}: ${answer.detail}`);
    else {
      endpoints.push({
        host: answer?.addresses[0] ?? name,
        port,
        instanceId: instance.instanceId,
        version: instance.version,
        mesher: instance.properties[MESHER_PROPERTY] !== undefined,
        tags: instance.properties,
        ...placeOf(instance),
        ...weightOf(instance),
      });
    }
  }
  return endpoints.length === 1 && unusable.length === 0 ? endpoints[0]! : { endpoints, unusable };
}

function placeOf({ region, zone }: Instance): Pick<EndpointSnapshot, "region" | "zone"> {
  return { ...(region === undefined ? {} : { region }), ...(zone === undefined ? {} : { zone }) };
}

/** The property `weight`, where it is a number that can be one. */
function weightOf({ properties }: Instance): Pick<EndpointSnapshot, "weight"> {
  const weight = Number(properties.weight);
  return weight > 0 && weight <= maxWeight ? { weight } : {};
}

/** Of endpoints that are dialled only; nobody else is to wait for a name. */
async function hostsOf(
  instance: Instance,
  lookupHost: ClusterOptions["lookupHost"],
): Promise<ReadonlyMap<string, HostAnswer>> {
  const hosts = new Map<string, HostAnswer>();
  if (!isUsable(instance)) return hosts;
  for (const { host, protocol, secure } of instance.endpoints) {
    if (protocol !== "rest" || secure || isIpLiteral(host) || hosts.has(host)) continue;
    hosts.set(host, await lookupHost(host));
  }
  return hosts;
}
