/** Moves a message body from one connection to another, with backpressure and every byte of its framing checked. */
import { ChunkScanner } from "../http1/chunked.ts";
import { ascii, type Writer } from "../http1/bytes.ts";
import { MalformedHead } from "../http1/fields.ts";
import type { Inbox } from "../http1/inbox.ts";
import { FAILED, type Net, type Socket, WAIT } from "../net/socket.ts";
import { sendAll } from "./send.ts";

/** raw: bytes go on as they came. decode: chunk framing is taken off. encode: it is put on. */
export type BodyCoding = "raw" | "decode" | "encode";

/** How much of a body is still to come. */
export class BodyState {
  /** Infinity: until the connection ends. */
  remaining: number;
  readonly scanner: ChunkScanner | undefined;

  /** Shape: `length` -1 means chunked, Infinity means until the end of the connection. */
  constructor(length: number) {
    this.scanner = length === -1 ? new ChunkScanner() : undefined;
    this.remaining = length;
  }

  get done(): boolean {
    return this.scanner === undefined ? this.remaining === 0 : this.scanner.done;
  }

  get untilClose(): boolean {
    return this.remaining === Infinity;
  }

  /** How many of the bytes belong to the body. Errors: MalformedHead for wrong chunk framing. */
  accept(bytes: Uint8Array, from: number, to: number): number {
    if (this.scanner !== undefined) return this.scanner.scan(bytes, from, { to }) - from;
    const count = Math.min(this.remaining, to - from);
    this.remaining -= count;
    return count;
  }
}

export type PumpEnd =
  | "done"
  /** The source ended or broke before the body was whole. */
  | "source_ended"
  /** The source's framing is wrong. */
  | "source_malformed"
  /** Nothing came from the source for too long. */
  | "source_idle"
  | "target_failed"
  /** The target took nothing for too long. */
  | "target_idle"
  | "stopped";

export interface PumpOptions {
  readonly net: Net;
  readonly coding: BodyCoding;
  /** For composing recoded bytes; shared, so never used across an await. */
  readonly out: Writer;
  readonly sourceIdleMs: number;
  readonly targetIdleMs: number;
  /** Looked at whenever the pump wakes without bytes. */
  readonly stopped: () => boolean;
  /** Called with the bytes moved; `spliced` of them never entered this process. */
  readonly moved: (bytes: number, spliced: boolean) => void;
  /** Part of a tunnel: no message ends it, and silence in one direction is fine while the other is busy. */
  readonly tunnel?: { lastMovedMs: number };
  /** Also sees the raw bytes before they are sent, for a second attempt. */
  readonly keep?: (bytes: Uint8Array, from: number, to: number) => void;
}

/** From so many bytes left on, a body goes through the kernel instead of through this process. */
const spliceFrom = 64 * 1024;
/** What one body may move before others have their turn. */
const perTurn = 1 << 20;

/**
 * Pumps until the body is done or cannot go on.
 *
 * Shape: bytes that follow the body stay in the inbox.
 * Errors: none; the end tells.
 */
export async function pumpBody(
  source: Inbox,
  target: Socket,
  { body, options }: { body: BodyState; options: PumpOptions },
): Promise<PumpEnd> {
  const progress = { cleared: 0 };
  const end = await pump(source, target, { body, options, progress });
  // The body's state has these bytes already; they are not to be taken for anything else.
  if (progress.cleared > 0) source.consume(progress.cleared);
  return end;
}

async function pump(
  source: Inbox,
  target: Socket,
  { body, options, progress }: {
    body: BodyState;
    options: PumpOptions;
    /** `cleared`: unread bytes that are known to belong to the body. */
    progress: { cleared: number };
  },
): Promise<PumpEnd> {
  const { net } = options;
  const { socket } = source;
  let movedInTurn = 0;
  for (;;) {
    if (options.coding === "raw") {
      if (source.length > progress.cleared && !body.done) {
        const from = source.start + progress.cleared;
        try {
          const count = body.accept(source.bytes, from, source.end);
          options.keep?.(source.bytes, from, from + count);
          progress.cleared += count;
        } catch (error) {
          if (error instanceof MalformedHead) return "source_malformed";
          throw error;
        }
      }
      if (progress.cleared > 0) {
        const count = target.tryWrite(source.bytes, source.start, source.start + progress.cleared);
        if (count === FAILED) return "target_failed";
        if (count === WAIT) {
          target.expireAfter(options.targetIdleMs);
          await target.writable();
          if (options.stopped()) return "stopped";
          if (target.timedOut) return "target_idle";
          continue;
        }
        source.consume(count);
        progress.cleared -= count;
        movedInTurn += count;
        options.moved(count, false);
        if (progress.cleared > 0) continue;
      }
    } else if (source.length > 0 && !body.done) {
      movedInTurn += source.length;
      let sent: boolean;
      try {
        sent = await sendRecoded(source, target, { body, options });
      } catch (error) {
        if (error instanceof MalformedHead) return "source_malformed";
        throw error;
      }
      if (!sent) return "target_failed";
    }
    if (body.done) return "done";
    if (movedInTurn >= perTurn) {
      movedInTurn = 0;
      await net.turn();
      if (options.stopped()) return "stopped";
    }
    if (
      options.coding === "raw" && body.remaining >= spliceFrom &&
      (!body.untilClose || options.tunnel !== undefined) &&
      options.keep === undefined && source.length === 0 && socket.spliceTo !== undefined
    ) {
      const end = await spliceBody(source, target, { body, options });
      if (end !== undefined) return end;
      // The last bytes, or a socket that cannot splice, go the ordinary way.
    }
    if (options.stopped()) return "stopped";
    const count = socket.readReady ? source.fill() : WAIT;
    if (count > 0) continue;
    if (count === 0) return body.untilClose ? finishUntilClose(target, options) : "source_ended";
    if (count === FAILED) return "source_ended";
    socket.expireAfter(options.sourceIdleMs);
    if (socket.readReady) continue;
    await socket.readable();
    if (options.stopped()) return "stopped";
    if (socket.timedOut && !busyElsewhere(options)) return "source_idle";
  }
}

/** Whether the other direction of a tunnel has moved bytes within the idle time. */
function busyElsewhere({ net, sourceIdleMs, tunnel }: PumpOptions): boolean {
  return tunnel !== undefined && net.now() - tunnel.lastMovedMs < sourceIdleMs;
}

async function finishUntilClose(target: Socket, options: PumpOptions): Promise<PumpEnd> {
  if (options.coding !== "encode") return "done";
  const end = ascii("0\r\n\r\n");
  const sent = await sendAll(target, end, {
    from: 0,
    to: end.length,
    idleMs: options.targetIdleMs,
  });
  return sent ? "done" : "target_failed";
}

async function sendRecoded(
  source: Inbox,
  target: Socket,
  { body, options }: { body: BodyState; options: PumpOptions },
): Promise<boolean> {
  const { out } = options;
  out.clear();
  const from = source.start;
  if (options.coding === "encode") {
    const count = body.accept(source.bytes, from, source.end);
    out.text(`${count.toString(16)}\r\n`);
    out.range(source.bytes, from, from + count);
    out.text("\r\n");
    source.consume(count);
  } else {
    const { bytes } = source;
    const to = body.scanner!.scan(bytes, from, {
      to: source.end,
      data: (first, last) => out.range(bytes, first, last),
    });
    source.consume(to - from);
  }
  options.moved(out.length, false);
  // What the kernel does not take at once is copied before this waits.
  return await sendAll(target, out.bytes, {
    from: 0,
    to: out.length,
    idleMs: options.targetIdleMs,
  });
}

/** Shape: undefined when the rest has to go the ordinary way. */
async function spliceBody(
  source: Inbox,
  target: Socket,
  { body, options }: { body: BodyState; options: PumpOptions },
): Promise<PumpEnd | undefined> {
  const { socket } = source;
  let movedInTurn = 0;
  while (body.remaining > 0) {
    const count = socket.spliceTo!(target, body.remaining);
    if (count === undefined) return undefined;
    if (count === FAILED) return socket.broken ? "source_ended" : "target_failed";
    if (count === 0) return body.untilClose ? "done" : "source_ended";
    if (count > 0) {
      body.remaining -= count;
      options.moved(count, true);
      movedInTurn += count;
      if (movedInTurn >= perTurn * 4) {
        movedInTurn = 0;
        await options.net.turn();
      }
      continue;
    }
    if (options.stopped()) return "stopped";
    const forTarget = socket.readReady || socket.pendingSplice === true;
    const awaited = forTarget ? target : socket;
    awaited.expireAfter(forTarget ? options.targetIdleMs : options.sourceIdleMs);
    await (forTarget ? target.writable() : socket.readable());
    if (options.stopped()) return "stopped";
    if (awaited.timedOut && !busyElsewhere(options)) {
      return forTarget ? "target_idle" : "source_idle";
    }
  }
  return "done";
}
