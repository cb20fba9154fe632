/** Bytes both ways until both ends have had enough: CONNECT and switched protocols. */
import { threadSlot } from "../../plane/counters.ts";
import type { Inbox } from "../http1/inbox.ts";
import type { Socket } from "../net/socket.ts";
import { BodyState, pumpBody } from "./body.ts";
import type { Client } from "./client.ts";
import type { Upstream } from "./upstream.ts";

/** Relays until both directions have ended or one broke; both connections are closed then. Errors: none. */
export async function relay(client: Client, upstream: Upstream): Promise<void> {
  const { context, exchange } = client;
  const shared = { lastMovedMs: context.net.now() };
  let broken = false;
  client.keepAlive = false;
  client.awaiting = undefined;
  const idleMs = context.policy.timeouts.tunnelIdleMs;
  const direction = async (
    source: Inbox,
    target: Socket,
    countBytes: (bytes: number) => void,
  ): Promise<void> => {
    const end = await pumpBody(source, target, {
      body: new BodyState(Infinity),
      options: {
        net: context.net,
        coding: "raw",
        out: context.out,
        sourceIdleMs: idleMs,
        targetIdleMs: idleMs,
        tunnel: shared,
        stopped: () => broken,
        moved: (bytes) => {
          shared.lastMovedMs = context.net.now();
          countBytes(bytes);
        },
      },
    });
    // One side may say that it is done and still listen.
    if (end === "done") return target.closeWrite();
    broken = true;
    if (end === "source_ended" || end === "target_failed") {
      // A break on one side must not look like an orderly end on the other.
      client.socket.abort();
      upstream.socket.abort();
    }
    client.socket.close();
    upstream.socket.close();
  };
  context.counters[threadSlot.tunnelsOpen]! += 1;
  await Promise.all([
    direction(client.inbox, upstream.socket, (bytes) => exchange.countRequest(context, bytes)),
    direction(upstream.inbox, client.socket, (bytes) => exchange.countResponse(context, bytes)),
  ]);
  context.counters[threadSlot.tunnelsOpen]! -= 1;
  client.socket.close();
  upstream.socket.close();
}
