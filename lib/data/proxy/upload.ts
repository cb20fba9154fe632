/** The request body on its way upstream while the answer is awaited; it can be stopped and begun again. */
import { MeshError } from "../../core/errors.ts";
import { threadSlot } from "../../plane/counters.ts";
import { MalformedHead } from "../http1/fields.ts";
import { type BodyState, pumpBody, type PumpEnd } from "./body.ts";
import type { Client } from "./client.ts";
import type { Upstream } from "./upstream.ts";

export class Upload {
  /** How it ended; undefined while it runs. */
  end: PumpEnd | undefined;
  #stopped = false;
  readonly #client: Client;
  readonly #upstream: Upstream;
  readonly #running: Promise<void>;

  constructor(client: Client, upstream: Upstream, body: BodyState) {
    this.#client = client;
    this.#upstream = upstream;
    this.#running = this.#run(upstream, body);
  }

  async #run(upstream: Upstream, body: BodyState): Promise<void> {
    const client = this.#client;
    const { context, exchange } = client;
    const { bodyIdleMs } = context.policy.timeouts;
    this.end = await pumpBody(client.inbox, upstream.socket, {
      body,
      options: {
        net: context.net,
        coding: "raw",
        out: context.out,
        sourceIdleMs: bodyIdleMs,
        targetIdleMs: bodyIdleMs,
        stopped: () => this.#stopped,
        moved: (bytes, spliced) => {
          exchange.countRequest(context, bytes);
          if (spliced) context.counters[threadSlot.splicedBytes]! += bytes;
        },
        ...(exchange.replayable ? { keep: keepForReplay(client) } : {}),
      },
    });
    upstream.socket.wake();
  }

  /** Ends it where it stands; resolves when nobody touches the client's bytes any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.end === undefined) {
      // It waits for either of the two: for bytes, or for an upstream that takes none any more.
      this.#client.socket.wake();
      this.#upstream.socket.wake();
    }
    await this.#running;
  }
}

/** Keeps body bytes behind the composed head until there are too many of them. */
function keepForReplay(client: Client): (bytes: Uint8Array, from: number, to: number) => void {
  const { context, exchange } = client;
  return (bytes, from, to) => {
    if (!exchange.replayable) return;
    const writer = exchange.writer!;
    if (writer.length - exchange.composedBytes + (to - from) > context.policy.limits.replayBytes) {
      exchange.replayable = false;
    } else {
      writer.range(bytes, from, to);
    }
  };
}

/** Puts what has already arrived of the body behind the composed head. Errors: MeshError request_malformed. */
export function composeArrivedBody(client: Client): void {
  const { exchange, inbox } = client;
  const { body } = exchange;
  const writer = exchange.writer!;
  exchange.composedBytes = writer.length;
  if (body === undefined || inbox.length === 0) return;
  try {
    const count = body.accept(inbox.bytes, inbox.start, inbox.end);
    writer.range(inbox.bytes, inbox.start, inbox.start + count);
    inbox.consume(count);
    exchange.countRequest(client.context, count);
  } catch (error) {
    if (!(error instanceof MalformedHead)) throw error;
    throw new MeshError("request_malformed", error.message, { status: error.status });
  }
}

/**
 * What an ended upload means for the request.
 *
 * Shape: undefined when the answer is simply to be awaited: the body is whole, or the upstream stopped taking it and
 * may have said why.
 */
export function uploadFailure(end: PumpEnd, endpoint: string): MeshError | undefined {
  const options = { reachedUpstream: true, endpoint };
  switch (end) {
    case "source_ended":
      return new MeshError("client_gone", "the client went away during its request body", options);
    case "source_malformed":
      return new MeshError(
        "request_malformed",
        "the chunked framing of the body is wrong",
        options,
      );
    case "source_idle":
      return new MeshError("request_malformed", "the rest of the request body did not come", {
        ...options,
        status: 408,
      });
    case "target_idle":
      return new MeshError("response_timeout", "the endpoint stopped taking the body", options);
    default:
      return undefined;
  }
}
