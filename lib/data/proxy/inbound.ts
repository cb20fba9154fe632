/** The provider side: a request from the mesh, handed to the application on 127.0.0.1. */
import { MeshError } from "../../core/errors.ts";
import { blocks } from "../../plane/counters.ts";
import { Cluster } from "../cluster/cluster.ts";
import { decimal, matchesAt } from "../http1/bytes.ts";
import { kind } from "../http1/fields.ts";
import type { RequestHead } from "../http1/request_head.ts";
import type { Client } from "./client.ts";
import { isOwnAddress } from "./directory.ts";
import { exchange } from "./exchange.ts";
import type { DataContext } from "./context.ts";
import type { Upstream } from "./upstream.ts";

const loopback = "127.0.0.1";

/** Serves the request whose head was just parsed. Errors: MeshError. */
export async function inbound(client: Client): Promise<void> {
  const { context, exchange: state } = client;
  const head = context.request;
  state.begin(client);
  state.routed(client, { block: blocks.inbound, service: context.policy.service ?? "" });
  if (head.isConnect) {
    throw new MeshError("destination_invalid", "the inbound side of a sidecar takes no CONNECT");
  }
  const { host, path } = readTarget(client, head);
  const port = localPort(client, head);
  await exchange(client, {
    cluster: localCluster(context, port),
    path,
    scope: "local",
    request: {
      fields: context.plans.toApp,
      plans: context.plans,
      host,
      forwardedPort: 0,
      forwardedFor: client.socket.remoteHost,
      maxHops: context.policy.limits.hops,
    },
  });
}

/** A server has to take absolute targets too, RFC 9112 section 3.2.2; the application gets the path. */
function readTarget(
  { inbox }: Client,
  { targetFrom, targetTo }: RequestHead,
): { host: string; path: { from: number; to: number } } {
  const { bytes } = inbox;
  for (let at = targetFrom; at < targetTo; at++) {
    if (bytes[at] === 35) throw new MeshError("request_malformed", "a fragment in the target");
  }
  const whole = { from: targetFrom, to: targetTo };
  if (bytes[targetFrom] === 47 || bytes[targetFrom] === 42) return { host: "", path: whole };
  if (!matchesAt(bytes, targetFrom, "http://")) {
    throw new MeshError("destination_invalid", "the target is neither a path nor an http:// URL");
  }
  let to = targetFrom + 7;
  let host = "";
  while (to < targetTo && bytes[to] !== 47 && bytes[to] !== 63) {
    host += String.fromCharCode(bytes[to++]!);
  }
  return { host, path: { from: to, to: targetTo } };
}

/**
 * The application port a request is for: the one its caller named, if it is one of the configured ones, else the
 * first that speaks HTTP.
 *
 * Errors: MeshError local_port_missing. No other port can be reached, whatever the request says.
 */
function localPort(client: Client, { fields }: RequestHead): number {
  const { localPorts } = client.context.policy;
  const index = fields.find(kind.forwardedPort);
  if (index >= 0) {
    const { bytes } = client.inbox;
    const wanted = decimal(bytes, fields.valueFrom(index), fields.valueTo(index));
    if (localPorts.some((each) => each.port === wanted)) return wanted;
    throw new MeshError(
      "local_port_missing",
      `the request is for port ${wanted}, the application has ${describe(client)}`,
    );
  }
  const first = localPorts.find((each) => each.protocol === "rest") ??
    localPorts.find((each) => each.protocol.startsWith("rest"));
  if (first !== undefined) return first.port;
  throw new MeshError("local_port_missing", `no application port speaks http: ${describe(client)}`);
}

function describe(client: Client): string {
  const { localPorts } = client.context.policy;
  if (localPorts.length === 0) return "none";
  return localPorts.map((each) => `${each.protocol}:${each.port}`).join(", ");
}

/** Errors: MeshError loop_detected when the port is one of the sidecar's own. */
function localCluster(context: DataContext, port: number): Cluster<Upstream> {
  let cluster = context.localClusters.get(port);
  if (cluster === undefined) {
    if (isOwnAddress(context.policy.ownAddresses, loopback, port)) {
      throw new MeshError(
        "loop_detected",
        `port ${port} is the sidecar's own, not the application's`,
      );
    }
    cluster = new Cluster<Upstream>({
      service: context.policy.service ?? "",
      block: blocks.inbound,
      endpoints: [{ host: loopback, port, instanceId: "", version: "", mesher: false }],
      unusable: [],
    }, {
      gauge: context.gauge,
      budget: context.policy.retry,
      nowMs: context.net.now(),
      spread: 0,
    });
    context.localClusters.set(port, cluster);
  }
  return cluster;
}
