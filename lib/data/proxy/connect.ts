/** CONNECT: a tunnel to a host or to one picked instance, unless plain HTTP comes through it. */
import { formatHostPort } from "../../core/address.ts";
import { MeshError } from "../../core/errors.ts";
import { slot } from "../../plane/counters.ts";
import { ascii } from "../http1/bytes.ts";
import { looksLikeRequest } from "../http1/request_head.ts";
import { FAILED } from "../net/socket.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { EndpointState } from "../cluster/endpoint.ts";
import type { Authority } from "../routing/authority.ts";
import type { Client } from "./client.ts";
import type { Route } from "./directory.ts";
import { sendOwnAnswer } from "./send.ts";
import { relay } from "./tunnel.ts";
import {
  dialInOrder,
  dialPatiently,
  dialUpstream,
  isUnreachable,
  passOver,
  type Upstream,
} from "./upstream.ts";

const established = ascii("HTTP/1.1 200 Connection established\r\n\r\n");
/** How long the first bytes are waited for; a server that speaks first is then connected all the same. */
const sniffMs = 500;

/** Serves the CONNECT whose head was just parsed. Errors: MeshError, before anything was answered. */
export async function connect(
  client: Client,
  { authority, route }: { authority: Authority<Route>; route: Route },
): Promise<void> {
  const { exchange: state } = client;
  if (route.kind === "failed") {
    state.routed(client, { block: 0, service: "" });
    throw route.error;
  }
  state.routed(client, { block: route.cluster.block, service: route.cluster.service });
  if (route.kind === "outside") {
    const upstream = await dialHost(client, route.cluster);
    consumeHead(client);
    await sendOwnAnswer(client, established);
    await relay(client, upstream);
    return state.trail?.attemptEnded(client.context.net.now());
  }
  consumeHead(client);
  await sendOwnAnswer(client, established);
  const inside = await sniff(client);
  if (inside === "closed") {
    client.keepAlive = false;
    return;
  }
  if (inside === "http") {
    client.keepAlive = true;
    client.tunnelled = authority.host.includes(":")
      ? formatHostPort(authority.host, authority.port)
      : authority.text;
    return;
  }
  // The client believes that it is connected: from here on only a cut can tell it of a failure.
  client.responding = true;
  await relay(client, await dialAny(client, route.cluster));
  state.trail?.attemptEnded(client.context.net.now());
}

/** What follows the head goes through the tunnel; before that a failure still tells of the head. */
function consumeHead({ exchange: state, inbox }: Client): void {
  inbox.consume(state.headBytes);
  state.headBytes = 0;
}

async function sniff(client: Client): Promise<"http" | "other" | "closed"> {
  const { inbox, socket } = client;
  socket.expireAfter(sniffMs);
  for (;;) {
    if (inbox.length > 0) {
      const guess = looksLikeRequest(inbox.bytes, inbox.start, inbox.end);
      if (guess !== "maybe") return guess === "yes" ? "http" : "other";
    }
    if (socket.readReady) {
      const count = inbox.fill();
      if (count > 0) continue;
      if (count === 0 || count === FAILED) return "closed";
    }
    if (socket.timedOut) return "other";
    await socket.readable();
    if (socket.closed) return "closed";
  }
}

/** Connects to whichever address of a host outside answers. Errors: MeshError. */
async function dialHost(client: Client, cluster: Cluster<Upstream>): Promise<Upstream> {
  const { context } = client;
  const first = cluster.all.pick(context.pickAny(), undefined)!;
  beginAttempt(client, first);
  try {
    const others = cluster.endpoints.filter((each) => each !== first);
    return await forTunnel(client, () => dialInOrder(context, cluster, [first, ...others]));
  } catch (error) {
    endFailed(client, error);
    throw error;
  }
}

/** A tunnel has to have a connection of its own. */
function forTunnel(client: Client, dial: () => Promise<Upstream>): Promise<Upstream> {
  return dialPatiently(client.context.net, dial, {
    leftMs: Infinity,
    gone: () => client.gone(),
    idle: () => undefined,
  });
}

function beginAttempt({ context, exchange: state }: Client, endpoint: EndpointState<Upstream>) {
  state.attempts++;
  state.endpoint = endpoint;
  context.count(state.block, slot.attempts);
  state.trail?.attemptBegun(endpoint.key, { nowMs: context.net.now(), spanId: undefined });
}

function endFailed({ context, exchange: { trail } }: Client, error: unknown): void {
  if (error instanceof MeshError) trail?.attemptFailed(error.code);
  trail?.attemptEnded(context.net.now());
}

/** Connects to the first endpoint that can be reached. Errors: MeshError of the last one tried, or no_endpoint. */
async function dialAny(
  client: Client,
  cluster: Cluster<Upstream>,
): Promise<Upstream> {
  const { context, exchange: state } = client;
  let failure: unknown = new MeshError("no_endpoint", `${cluster.service} has no endpoint`);
  for (let attempt = 0; attempt < cluster.policy.retry.maxAttempts; attempt++) {
    const endpoint = cluster.all.pick(context.pickAny(), state.tried);
    if (endpoint === undefined) break;
    beginAttempt(client, endpoint);
    try {
      return await forTunnel(client, () => dialUpstream(context, endpoint));
    } catch (error) {
      failure = error;
      endFailed(client, error);
      if (isUnreachable(error)) {
        passOver(context, endpoint, { cluster, error, service: cluster.service });
      }
      state.tried = [...(state.tried ?? []), endpoint];
    }
  }
  throw failure;
}
