/** What is known of the request that a client connection is at; one object per connection, used again. */
import { type MeshError } from "../../core/errors.ts";
import { blocks, slot } from "../../plane/counters.ts";
import type { EndpointState } from "../cluster/endpoint.ts";
import { latin1, type Writer } from "../http1/bytes.ts";
import { BodyState } from "./body.ts";
import { asksForUpgrade } from "./request_writer.ts";
import type { Upload } from "./upload.ts";
import type { Client } from "./client.ts";
import type { Upstream } from "./upstream.ts";

export class Exchange {
  block: number = blocks.none;
  service = "";
  isHead = false;
  idempotent = false;
  /** The client speaks HTTP/1.0. */
  oldClient = false;
  upgrade = false;
  attempts = 0;
  startedAtMs = 0;
  /** Head as sent upstream and as much of the body as is kept for another attempt. */
  writer: Writer | undefined;
  /** What of the request body has not been read yet; undefined when there is none. */
  body: BodyState | undefined;
  /** False once a body outgrew what is kept. */
  replayable = true;
  tried: EndpointState<Upstream>[] | undefined;
  endpoint: EndpointState<Upstream> | undefined;
  /** The request body on its way while the answer is awaited. */
  upload: Upload | undefined;
  /** Bytes of the request's head that still stand in the inbox. */
  headBytes = 0;
  /** Length of the composed head at the front of `writer`. */
  composedBytes = 0;
  /** The provider's sidecar said of the last attempt that its application never saw it. */
  unsentByPeer = false;
  /** Only a reset can show that the answer is not whole: its end is the connection's end. */
  cutByReset = false;
  #open = false;
  #reported = false;

  /** Whether the client still owes bytes of the request body. */
  get bodyPending(): boolean {
    return this.body !== undefined && !this.body.done;
  }

  /** Takes what must be known of a request beyond the life of its parse result. */
  begin(client: Client): void {
    const head = client.context.request;
    this.headBytes = head.end - client.inbox.start;
    this.isHead = head.isHead;
    this.idempotent = head.isIdempotent;
    this.oldClient = head.minor === 0;
    this.upgrade = asksForUpgrade(head, client.inbox.bytes);
    this.attempts = 0;
    this.startedAtMs = client.context.net.now();
    const length = head.bodyLength;
    this.body = length === 0 ? undefined : new BodyState(length);
    this.replayable = true;
    this.cutByReset = this.unsentByPeer = false;
  }

  /** Opens the account of the request with the service it goes to. */
  routed(client: Client, { block, service }: { block: number; service: string }): void {
    this.block = block;
    this.service = service;
    this.#open = true;
    client.context.count(block, slot.requests);
    client.context.count(block, slot.open);
  }

  /** Notes a failure: counted once, reported once. */
  failed(client: Client, error: MeshError): void {
    if (this.#reported) return;
    this.#reported = true;
    if (!this.#open) this.routed(client, { block: blocks.none, service: "" });
    const { context } = client;
    context.countFailure(this.block, error.code);
    const line = this.#requestLine(client);
    const [method = "", target = ""] = line.split(" ");
    context.report({
      at: Date.now(),
      role: client.role,
      code: error.code,
      status: error.status,
      method,
      target,
      service: this.service,
      endpoint: error.endpoint ?? this.endpoint?.key ?? "",
      attempts: this.attempts,
      detail: error.message,
    });
  }

  /** Method and target, as composed or, before that, as they came. Shape: empty when no head was understood. */
  #requestLine({ inbox }: Client): string {
    if (this.writer !== undefined) return firstLine(this.writer.bytes, 0, this.writer.length);
    return firstLine(inbox.bytes, inbox.start, inbox.start + this.headBytes);
  }

  /** Closes the account; harmless when it is closed already. */
  finish(client: Client): void {
    const { context } = client;
    if (this.writer !== undefined) {
      context.giveWriter(this.writer);
      this.writer = undefined;
    }
    client.awaiting = undefined;
    if (this.#open) {
      this.#open = false;
      context.count(this.block, slot.open, -1);
      context.countLatency(this.block, context.net.now() - this.startedAtMs);
    }
    this.block = blocks.none;
    this.service = "";
    this.isHead = false;
    this.headBytes = 0;
    this.body = undefined;
    this.tried = undefined;
    this.endpoint = undefined;
    this.upload = undefined;
    this.#reported = false;
  }
}

/** The first line of a head, without the query: it may hold secrets. */
function firstLine(bytes: Uint8Array, from: number, to: number): string {
  const end = bytes.indexOf(13, from);
  return latin1(bytes, from, Math.min(end < 0 ? to : end, to, from + 512)).replace(/\?\S*/, "");
}
