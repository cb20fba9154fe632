/** The provider side: a request from the mesh, handed to the application on 127.0.0.1. */
import { MeshError } from "../../core/errors.ts";
import { blocks } from "../../plane/counters.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { decimal, isHostText, latin1, matchesAt } from "../http1/bytes.ts";
import { kind } from "../http1/fields.ts";
import type { RequestHead } from "../http1/request_head.ts";
import { parseAuthority } from "../routing/authority.ts";
import type { Client } from "./client.ts";
import { isOwnAddress } from "./directory.ts";
import { exchange } from "./exchange.ts";
import { answerOptions, endsHere, isStar } from "./last_hop.ts";
import type { DataContext } from "./context.ts";
import { inheritDeadline, protect } from "./rules.ts";
import { beginTrail } from "./trail.ts";
import type { Upstream } from "./upstream.ts";

const loopback = "127.0.0.1";
/** A CONNECT has to name a port, so this one also means that the caller named none. */
const defaultPort = 80;

/** Serves the request whose head was just parsed. Errors: MeshError, thrown or as a rejection. */
export function inbound(client: Client): Promise<void> {
  const { context, exchange: state } = client;
  const head = context.request;
  state.begin(client);
  state.routed(client, { block: blocks.inbound, service: context.policy.service ?? "" });
  if (head.isConnect) {
    throw new MeshError("destination_invalid", "the inbound side of a sidecar takes no CONNECT");
  }
  if (endsHere(client.inbox.bytes, head)) return answerOptions(client);
  const { host, path } = readTarget(client, head);
  if (context.observer.active) beginTrail(client, { authority: host, path });
  const port = localPort(client, head);
  // A request of HTTP/1.0 may come without Host and goes on as HTTP/1.1, which has to have one.
  const ownHost = head.fields.hosts === 0 ? `${loopback}:${port}` : "";
  const { plan } = state;
  plan.begin(localCluster(context, port), "local");
  plan.pathFrom = path.from;
  plan.pathTo = path.to;
  plan.fields = context.plans.toApp;
  plan.host = host || ownHost;
  plan.forwardedFor = client.socket.remoteHost;
  plan.forwardedHost = host;
  inheritDeadline(client);
  protect(client);
  return exchange(client);
}

/**
 * A server has to take absolute targets too, RFC 9112 section 3.2.2; the application gets the path.
 *
 * Errors: MeshError destination_invalid.
 */
function readTarget(
  { inbox }: Client,
  head: RequestHead,
): { host: string; path: { from: number; to: number } } {
  const { bytes } = inbox;
  const { fields, targetFrom, targetTo } = head;
  for (let at = targetFrom; at < targetTo; at++) {
    if (bytes[at] === 35) throw new MeshError("request_malformed", "a fragment in the target");
  }
  const named = fields.find(kind.host);
  if (named >= 0 && !isHostText(bytes, fields.valueFrom(named), fields.valueTo(named))) {
    throw new MeshError("destination_invalid", "the Host field is no host");
  }
  const whole = { from: targetFrom, to: targetTo };
  if (bytes[targetFrom] === 47 || isStar(bytes, head)) return { host: "", path: whole };
  if (!matchesAt(bytes, targetFrom, "http://")) {
    throw new MeshError("destination_invalid", "the target is neither a path nor an http:// URL");
  }
  const from = targetFrom + 7;
  let to = from;
  while (to < targetTo && bytes[to] !== 47 && bytes[to] !== 63) to++;
  const authority = parseAuthority(latin1(bytes, from, to));
  if (typeof authority === "string") {
    throw new MeshError("destination_invalid", `the target has ${authority}`);
  }
  return { host: authority.text, path: { from: to, to: targetTo } };
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
    if (wanted !== defaultPort) {
      const text = latin1(bytes, fields.valueFrom(index), fields.valueTo(index));
      throw new MeshError(
        "local_port_missing",
        `the request is for port ${text.slice(0, 32)}, the application has ${describe(client)}`,
      );
    }
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
    cluster = context.makeCluster({
      service: context.policy.service ?? "",
      block: blocks.inbound,
      endpoints: [{ host: loopback, port, instanceId: "", version: "", mesher: false }],
      unusable: [],
    }, { policy: context.inboundPolicy, inOrder: true });
    context.localClusters.set(port, cluster);
  }
  return cluster;
}
