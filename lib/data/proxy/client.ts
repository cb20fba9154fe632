/** One connection of a client: its requests in order, its answers to what goes wrong, its end. */
import { MeshError } from "../../core/errors.ts";
import { slot } from "../../plane/counters.ts";
import type { ListenerRole } from "../../plane/messages.ts";
import { hasHeadEnd, MalformedHead } from "../http1/fields.ts";
import { Inbox } from "../http1/inbox.ts";
import { FAILED, type Socket } from "../net/socket.ts";
import type { DataContext } from "./context.ts";
import { Exchange } from "./exchange_state.ts";
import { inbound } from "./inbound.ts";
import { outbound } from "./outbound.ts";
import { linger } from "./linger.ts";
import { writeFailure } from "./respond.ts";
import { sendAll } from "./send.ts";

export class Client {
  readonly context: DataContext;
  readonly socket: Socket;
  readonly inbox: Inbox;
  readonly role: ListenerRole;
  readonly exchange: Exchange;
  /** What is waited for, to be woken when this client goes away: mostly the upstream socket. */
  awaiting: { wake(): void } | undefined;
  /** Authority of a CONNECT whose inside turned out to be plain HTTP. */
  tunnelled: string | undefined;
  /** Whether another request may follow on this connection. */
  keepAlive = true;
  /** Bytes of the answer have gone out; a failure can then only be shown by a cut. */
  responding = false;
  /** Between requests. */
  idle = true;
  /** How much of an unfinished head was looked at already. */
  #scanned = 0;

  constructor(context: DataContext, socket: Socket, role: ListenerRole) {
    this.context = context;
    this.socket = socket;
    this.role = role;
    this.inbox = new Inbox(socket, context.scratch);
    this.exchange = new Exchange();
    socket.onTrouble = () => this.awaiting?.wake();
  }

  /**
   * Reads what is there and parses a head.
   *
   * Shape: after "head" the parse result is in `context.request` until this function or its like runs again.
   * Errors: MeshError request_malformed.
   */
  tryHead(): "head" | "wait" | "closed" {
    const { context, inbox, socket } = this;
    const { limits } = context.policy;
    for (;;) {
      if (inbox.length > 0 && this.#mayBeComplete()) {
        try {
          const end = context.request.parse(inbox.bytes, inbox.start, {
            to: Math.min(inbox.end, inbox.start + limits.headBytes),
            maxFields: limits.headFields,
          });
          if (end > 0) {
            this.#scanned = 0;
            this.idle = false;
            return "head";
          }
        } catch (error) {
          if (!(error instanceof MalformedHead)) throw error;
          throw new MeshError("request_malformed", error.message, { status: error.status });
        }
        this.#scanned = inbox.length;
        if (inbox.length >= limits.headBytes) throw this.#headTooLarge();
      }
      if (!socket.readReady) return "wait";
      const count = inbox.fill();
      if (count > 0) continue;
      if (count === 0 || count === FAILED) return "closed";
      return "wait";
    }
  }

  /** A head that trickles in is parsed once it can be whole, not once a byte. */
  #mayBeComplete(): boolean {
    if (this.#scanned === 0) return true;
    const { inbox } = this;
    const from = inbox.start + Math.max(0, this.#scanned - 3);
    const complete = hasHeadEnd(inbox.bytes, from, inbox.end);
    if (!complete) {
      this.#scanned = inbox.length;
      if (inbox.length >= this.context.policy.limits.headBytes) throw this.#headTooLarge();
    }
    return complete;
  }

  #headTooLarge(): MeshError {
    const { inbox } = this;
    const { headBytes } = this.context.policy.limits;
    const inTarget = inbox.bytes.indexOf(10, inbox.start) < 0;
    return new MeshError(
      "request_malformed",
      `a ${inTarget ? "request line" : "head"} of more than ${headBytes} bytes`,
      { status: inTarget ? 414 : 431 },
    );
  }

  /** Serves requests until the connection ends. Errors: none. */
  async serve(): Promise<void> {
    const { context, socket } = this;
    context.clientOpened(this);
    try {
      while (this.keepAlive) {
        try {
          let state = this.tryHead();
          if (state === "wait") {
            this.#armIdle();
            do {
              await socket.readable();
              if (socket.closed) return;
              if (socket.timedOut && !this.#stillInTime()) return;
              state = this.tryHead();
              // The time for a head runs from its first byte, however long the connection was idle before.
              if (
                state === "wait" && !this.#headBegun &&
                (this.inbox.length > 0 || socket.timedOut)
              ) {
                this.#armIdle();
              }
            } while (state === "wait");
          }
          if (state === "closed") return;
          this.keepAlive = context.request.keepAlive;
          // A request begins and ends in one step of the thread's memory, so nothing may come in between here.
          await (this.role === "outbound" ? outbound(this) : inbound(this));
        } catch (error) {
          if (!(await this.#answerFailure(error))) return;
        }
        this.exchange.finish(this);
        this.idle = true;
        this.responding = false;
        if (this.socket.closed || this.#drained()) break;
      }
      await linger(this);
    } finally {
      this.exchange.finish(this);
      socket.close();
      context.clientClosed(this);
    }
  }

  #drained(): boolean {
    const { drain } = this.context;
    if (this.role === "inbound") return drain === "close_inbound" || drain === "close_outbound";
    return drain === "close_outbound";
  }

  /** A connection without a request may idle long; a head that has begun has to be whole soon. */
  #armIdle(): void {
    const { timeouts } = this.context.policy;
    this.socket.expireAfter(this.inbox.length > 0 ? timeouts.headMs : timeouts.idleMs);
    this.#headBegun = this.inbox.length > 0;
  }

  #headBegun = false;

  /** Called when the deadline passed. Errors: MeshError 408 when a head has begun and not ended. */
  #stillInTime(): boolean {
    // The idle time may end while the first bytes come in.
    if (!this.#headBegun) return this.socket.readReady;
    throw new MeshError(
      "request_malformed",
      `the head was not complete after ${this.context.policy.timeouts.headMs} ms`,
      { status: 408 },
    );
  }

  /** Shape: whether the connection can go on. */
  async #answerFailure(cause: unknown): Promise<boolean> {
    const { context, exchange, socket } = this;
    const error = cause instanceof MeshError
      ? cause
      : new MeshError("internal", cause instanceof Error ? cause.message : String(cause), {
        cause,
      });
    exchange.failed(this, error);
    if (error.code === "client_gone" || socket.broken || socket.closed) return false;
    if (this.responding) {
      // Whatever the client has so far must not look whole.
      if (exchange.cutByReset) socket.abort();
      else socket.close();
      return false;
    }
    const malformed = error.code === "request_malformed";
    this.inbox.consume(exchange.headBytes);
    exchange.headBytes = 0;
    // After a failure that nobody foresaw nothing is known of what stands in the inbox.
    if (malformed || exchange.bodyPending || error.code === "internal") this.keepAlive = false;
    this.closeIfDraining();
    const { out } = context;
    out.clear();
    writeFailure(out, error, {
      connection: this.connectionField,
      draining: this.draining,
      // A failure on purpose is meant for the caller: its sidecar is not to try elsewhere.
      forPeer: this.role !== "inbound" || malformed || error.code === "fault_injected"
        ? "none"
        : !error.reachedUpstream
        ? "unsent"
        : error.code === "reset"
        ? "cut"
        : "none",
      requestWasHead: exchange.isHead,
    });
    context.count(exchange.block, slot.status + Math.floor(error.status / 100) - 1);
    const sent = await sendAll(socket, out.bytes, {
      from: 0,
      to: out.length,
      idleMs: context.policy.timeouts.bodyIdleMs,
    });
    return sent;
  }

  /** Whether answers tell the peer's sidecar that this one drains. */
  get draining(): boolean {
    return this.role === "inbound" && this.context.drain !== "none";
  }

  /** What to tell the client of its connection; none says nothing. */
  get connectionField(): "close" | "keep-alive" | "none" {
    if (!this.keepAlive) return "close";
    return this.exchange.oldClient ? "keep-alive" : "none";
  }

  /** The answer under way is the last one on this connection when the sidecar drains. */
  closeIfDraining(): void {
    if (this.draining || this.context.drain === "close_outbound") this.keepAlive = false;
  }

  /** Whether the client has gone away while it waits for its answer. */
  gone(): boolean {
    const { inbox, socket } = this;
    if (socket.broken || socket.closed) return true;
    if (!socket.hungUp || this.exchange.bodyPending) return false;
    // A client that said it will send nothing more may end its side and still want its answer.
    if (!this.keepAlive) return false;
    // Requests that it sent ahead may stand before its end; nobody would read their answers.
    let count = inbox.fill();
    while (count > 0 && inbox.length < this.context.policy.limits.headBytes) count = inbox.fill();
    return count === 0 || count === FAILED;
  }

  /** Ends a connection that has no request under way. */
  closeIdle(): void {
    if (!this.idle || this.inbox.length > 0) return;
    // A request that has just arrived is served; its answer says that it is the last one.
    if (this.inbox.fill() > 0) return this.socket.wake();
    this.keepAlive = false;
    this.socket.close();
  }
}
