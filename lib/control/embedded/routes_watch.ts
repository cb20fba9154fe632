/** Routes that become web sockets: the watcher, and the heartbeat over a socket, which is refused politely. */
import { notFound, text } from "./answers.ts";
import type { Call } from "./call.ts";
import type { Store } from "./store.ts";
import type { WatchHub } from "./watch.ts";

/**
 * Turns a request into a web socket, as the runtime does it.
 *
 * Shape: the runtime should ping the socket every 30 s; for Deno that is an idle timeout of 60 s.
 * Errors: it may throw for a request that is no proper handshake.
 */
export type Upgrade = (request: Request) => { socket: WebSocket; response: Response };

/** `GET /microservices/{own id}/watcher`. */
export function watch(hub: WatchHub, call: Call, options: SocketOptions): Response {
  // Once it is upgraded, nothing can be read from the request any more.
  const { domain, project } = call.partition;
  const consumerId = call.param("serviceId");
  const upgraded = upgrade(call, options.upgrade);
  if (!upgraded) return text(400, "Bad Request\n");
  hub.accept(upgraded.socket, {
    // A partition comes to life with its first service, so it is looked up when it is needed.
    partition: () => options.store.partition(domain, project),
    consumerId,
  });
  return upgraded.response;
}

/**
 * `GET .../heartbeat` with an upgrade.
 *
 * Shape: an instance that is not there is told so with close code 4001, on which clients register again; for a living
 * one the handshake is refused with 404, on which they go on with ordinary heartbeats.
 */
export function heartbeatSocket(call: Call, options: SocketOptions): Response {
  if (!isHandshake(call)) return text(400, "Bad Request\n");
  const { partition } = call;
  if (partition.instance(call.param("serviceId"), call.param("instanceId"))) return notFound();
  const upgraded = upgrade(call, options.upgrade);
  if (!upgraded) return notFound();
  const { socket, response } = upgraded;
  const close = () => socket.close(4001, "instance does not exist");
  if (socket.readyState === WebSocket.OPEN) close();
  else socket.addEventListener("open", close, { once: true });
  return response;
}

export interface SocketOptions {
  readonly store: Store;
  readonly upgrade: Upgrade | undefined;
}

function isHandshake(call: Call): boolean {
  return call.header("Upgrade").toLowerCase() === "websocket";
}

function upgrade(call: Call, byRuntime: Upgrade | undefined): ReturnType<Upgrade> | undefined {
  if (!byRuntime || !isHandshake(call)) return undefined;
  try {
    return byRuntime(call.request);
  } catch {
    return undefined;
  }
}
