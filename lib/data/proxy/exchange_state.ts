/** What is known of the request that a client connection is at; one object per connection, used again. */
import type { FailureCode, MeshError } from "../../core/errors.ts";
import { blocks, slot } from "../../plane/counters.ts";
import type { EndpointState } from "../cluster/endpoint.ts";
import type { Ending, Gate } from "../cluster/gate.ts";
import { latin1, type Writer } from "../http1/bytes.ts";
import { BodyState } from "./body.ts";
import type { DataContext } from "./context.ts";
import { startMirror } from "./mirror.ts";
import type { Trace } from "../trace/trace.ts";
import type { Trail } from "./observer.ts";
import { beginLateTrail } from "./trail.ts";
import { RequestPlan } from "./plan.ts";
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
  attemptAtMs = 0;
  /** When the time for the response head began: with the request, or with the end of its body. */
  answerFromMs = 0;
  /** When the answer's first byte came; 0 before. */
  firstByteAtMs = 0;
  /** Of the answer that is being delivered; 0 before. */
  status = 0;
  /** The pause before the next attempt, after an answer that is tried elsewhere. */
  retryDelayMs = 0;
  /** Of the attempt under way, for its endpoint's health; 0 when its outcome was told. */
  ticket = 0;
  /** Of a hedged request's second attempt. */
  secondTicket = 0;
  /** Of an attempt whose answer began well, until it is known to be whole; 0 for none. */
  answeringTicket = 0;
  /** What the answer's Retry-After asks for; 0 for nothing. */
  retryAfterMs = 0;
  requestBytes = 0;
  responseBytes = 0;
  /** Only while there is a request: an idle connection owns none. */
  plan!: RequestPlan;
  /** Where this request has a place among those under way. */
  #gate: Gate | undefined;
  #gateTicket = 0;
  /** When the wait for that place ended; 0 when there was none. */
  #turnAtMs = 0;
  /** What is remembered for those who watch; undefined while nobody does. */
  trail: Trail | undefined;
  /** What is written of its trace; also where nothing of it is recorded. */
  trace: Trace | undefined;
  #ownMs = -1;
  /** Head as sent upstream and as much of the body as is kept for another attempt. */
  writer: Writer | undefined;
  /** What of the request body has not been read yet; undefined when there is none. */
  body: BodyState | undefined;
  /** False once a body outgrew what is kept. */
  replayable = true;
  tried: EndpointState<Upstream>[] | undefined;
  endpoint: EndpointState<Upstream> | undefined;
  /** The connection of the attempt under way. */
  upstream: Upstream | undefined;
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
  #failure: FailureCode | undefined;

  /** Whether the client still owes bytes of the request body. */
  get bodyPending(): boolean {
    return this.body !== undefined && !this.body.done;
  }

  /** Takes what must be known of a request beyond the life of its parse result. */
  begin(client: Client): void {
    const head = client.context.request;
    this.plan ??= client.context.takePlan();
    this.headBytes = head.end - client.inbox.start;
    this.isHead = head.isHead;
    this.idempotent = head.isIdempotent;
    this.oldClient = head.minor === 0;
    this.upgrade = asksForUpgrade(head, client.inbox.bytes);
    this.attempts = this.status = this.firstByteAtMs = 0;
    this.requestBytes = this.responseBytes = 0;
    this.startedAtMs = this.answerFromMs = client.context.net.now();
    this.#ownMs = client.context.measures() ? 0 : -1;
    const length = head.bodyLength;
    this.body = length === 0 ? undefined : new BodyState(length);
    this.replayable = true;
    this.cutByReset = this.unsentByPeer = false;
    this.answeringTicket = 0;
  }

  /** Opens the account of the request with the service it goes to. */
  routed(client: Client, { block, service }: { block: number; service: string }): void {
    if (this.#open) return this.changeService(client, { block, service });
    this.block = block;
    this.service = service;
    this.#open = true;
    client.context.count(block, slot.requests);
    client.context.count(block, slot.open);
  }

  /**
   * Takes a place among the requests under way.
   *
   * Shape: undefined when there was one at once, else resolves when there is.
   * Errors: MeshError circuit_open, concurrency_limit, client_gone.
   */
  enter(client: Client): Promise<void> | undefined {
    if (this.plan.free) return undefined;
    const { gate } = this.plan.cluster;
    const ticket = gate.admit();
    if (!gate.tryEnter()) return this.#standInLine(client, gate, ticket);
    this.#gate = gate;
    this.#gateTicket = ticket;
    this.#turnAtMs = 0;
    return undefined;
  }

  async #standInLine(client: Client, gate: Gate, ticket: number): Promise<void> {
    await gate.wait(ticket, {
      deadlineMs: this.answerFromMs + this.plan.responseMs,
      begun: (leave) => client.awaiting = { wake: () => client.gone() && leave() },
    });
    client.awaiting = undefined;
    this.#turnAtMs = client.context.net.now();
    this.#gate = gate;
    this.#gateTicket = ticket;
  }

  #leaveGate(nowMs: number): void {
    const gate = this.#gate;
    if (gate === undefined) return;
    this.#gate = undefined;
    // Neither the line nor the caller's own body is the service's time.
    const fromMs = Math.max(this.answerFromMs, this.#turnAtMs);
    const ending = this.#ending();
    let tookMs = this.firstByteAtMs - fromMs;
    if (ending === "abandoned") {
      const waited = this.#failure === "client_gone" && this.firstByteAtMs === 0 &&
        this.attempts > 0 && !this.bodyPending;
      tookMs = waited ? nowMs - fromMs : -1;
    }
    gate.leave(this.#gateTicket, ending, tookMs);
  }

  #endTrail(context: DataContext): void {
    this.trail?.finish(context.observer, {
      service: this.service,
      route: this.plan?.rule ?? "",
      status: this.status,
      code: this.#failure,
      requestBytes: this.requestBytes,
      responseBytes: this.responseBytes,
      firstByteAtMs: this.firstByteAtMs,
      // The turn's time alone would make what happened within it look as if it took none.
      nowMs: context.net.now() + context.net.sinceTurn(),
    });
    this.trail = undefined;
  }

  /** Tells the balancer how a call of a session ended. */
  #settleSession(): void {
    if (this.endpoint === undefined) return;
    const { group, stickyId } = this.plan;
    if (stickyId === "") return;
    const ending = this.#ending();
    if (ending === "abandoned") return;
    group.balancer.sessions?.settle(stickyId, this.endpoint.key, { failed: ending === "failed" });
  }

  #ending(): Ending {
    const { status } = this;
    if (this.#failure !== undefined) {
      const isCallers = this.#failure === "client_gone" || this.#failure === "request_malformed" ||
        this.#failure === "fault_injected";
      return isCallers ? "abandoned" : "failed";
    }
    if (status === 429 || status === 503 || status === 504) return "failed";
    return status >= 500 ? "error" : "ok";
  }

  countRequest(context: DataContext, bytes: number): void {
    this.requestBytes += bytes;
    context.count(this.block, slot.requestBytes, bytes);
  }

  countResponse(context: DataContext, bytes: number): void {
    this.responseBytes += bytes;
    context.count(this.block, slot.responseBytes, bytes);
  }

  /** Somebody wants to see this request. */
  watch(trail: Trail): void {
    this.trail = trail;
    this.#ownMs = Math.max(0, this.#ownMs);
  }

  /** The composed head has gone to an endpoint. */
  requestSent(context: DataContext): void {
    if (this.#ownMs >= 0) this.#ownMs += context.net.sinceTurn();
  }

  /** The head of the answer has gone to the client. */
  answerSent(context: DataContext): void {
    if (this.#ownMs < 0) return;
    const ownMs = this.#ownMs + context.net.sinceTurn();
    context.countOwn(this.block, ownMs);
    if (this.trail !== undefined) this.trail.ownMs = ownMs;
    this.#ownMs = -1;
  }

  /** A rule sends the request to another service: that one's account it is. */
  changeService({ context }: Client, { block, service }: { block: number; service: string }): void {
    if (!this.#open) return;
    context.count(this.block, slot.open, -1);
    context.count(this.block, slot.requests, -1);
    this.block = block;
    this.service = service;
    context.count(block, slot.requests);
    context.count(block, slot.open);
  }

  /** Notes a failure: counted once, reported once. */
  failed(client: Client, error: MeshError): void {
    if (this.#reported) return;
    this.#reported = true;
    const { context } = client;
    if (this.plan === undefined) this.#beginUnread(context);
    const [method = "", target = ""] = this.#requestLine(client).split(" ");
    if (this.trail === undefined && context.observer.decidesLate) {
      beginLateTrail(client, { method, target });
    }
    this.#failure = error.code;
    // Who has part of an answer has its status; the code tells that it broke off.
    if (!client.responding) this.status = error.status;
    if (this.trail !== undefined) this.trail.detail = error.message;
    if (!this.#open) this.routed(client, { block: blocks.none, service: "" });
    context.countFailure(this.block, error.code);
    context.report({
      at: Date.now(),
      role: client.role,
      code: error.code,
      status: this.status,
      method,
      target,
      service: this.service,
      endpoint: error.endpoint ?? this.endpoint?.key ?? "",
      attempts: this.attempts,
      detail: error.message,
    });
  }

  /** No head was understood: what the connection's last request left here is not this one's. */
  #beginUnread(context: DataContext): void {
    this.attempts = this.firstByteAtMs = 0;
    this.requestBytes = this.responseBytes = 0;
    this.startedAtMs = context.net.now();
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
      // What was turned away here is not to reach anybody as a copy either.
      const { mirror } = this.plan;
      if (mirror !== undefined && this.attempts > 0) startMirror(client, mirror);
      context.giveWriter(this.writer);
      this.writer = undefined;
    }
    client.awaiting = undefined;
    if (this.#open) {
      const nowMs = context.net.now();
      this.#open = false;
      context.countLatency(this.block, nowMs - this.startedAtMs);
      this.#leaveGate(nowMs);
      this.#settleSession();
      if (this.trail !== undefined) this.#endTrail(context);
      // Last: whoever sees nothing under way sees everything counted.
      context.count(this.block, slot.open, -1);
    }
    if (this.plan !== undefined) {
      context.givePlan(this.plan);
      this.plan = undefined!;
    }
    this.block = blocks.none;
    this.service = "";
    this.isHead = false;
    this.headBytes = 0;
    this.body = undefined;
    this.tried = undefined;
    this.trace = undefined;
    this.endpoint = undefined;
    this.upload = undefined;
    this.#reported = false;
    this.#failure = undefined;
  }
}

/** The first line of a head, without user information and the query: they may hold secrets. */
function firstLine(bytes: Uint8Array, from: number, to: number): string {
  const end = bytes.indexOf(13, from);
  return latin1(bytes, from, Math.min(end < 0 ? to : end, to, from + 512))
    .replace(/\?\S*/, "").replace(/^(\S+ https?:\/\/)[^\s/]*@/i, "$1");
}
