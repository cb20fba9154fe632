/** What the HTTP engine sees of the network: one small socket interface with two makers, native and portable. */
import type { Address } from "../../core/address.ts";
import type { ListenerSpec, NetKind } from "../../plane/messages.ts";
import type { Timers } from "./timers.ts";

/** Result of tryRead and tryWrite: nothing can move now; wait for `readable` or `writable`. */
export const WAIT = -1;
/** Result of tryRead and tryWrite: the connection is broken; `failure` says how. */
export const FAILED = -2;

/**
 * One connected stream socket.
 *
 * The reading and the writing side may be used by two functions at once, each side by one only. Nothing but
 * `readable` and `writable` ever waits.
 */
export interface Socket {
  /** False when a read would only say WAIT. */
  readonly readReady: boolean;
  /** True once the peer has ended its side or the connection broke; bytes may still be unread. */
  readonly hungUp: boolean;
  /** True once the connection is broken in both directions. */
  readonly broken: boolean;
  /** True once the deadline set by `expireAfter` has passed; waiting functions are woken to see it. */
  readonly timedOut: boolean;
  /** Why the socket failed; empty while it has not. */
  readonly failure: string;
  readonly closed: boolean;
  /** Peer's host as an IP literal, or `unix`. */
  readonly remoteHost: string;

  /** Resolves when a read is worth a try, the socket was woken, its deadline passed or it was closed. */
  readable(): Promise<void>;
  /** The same for writing. */
  writable(): Promise<void>;
  /** Bytes read into `buffer[from..to)`; 0 at the end of the stream; WAIT; FAILED. */
  tryRead(buffer: Uint8Array<ArrayBuffer>, from: number, to: number): number;
  /** Bytes taken from `buffer[from..to)`, possibly fewer than offered; WAIT; FAILED. */
  tryWrite(buffer: Uint8Array<ArrayBuffer>, from: number, to: number): number;
  /**
   * Moves up to `maxBytes` straight to another socket inside the kernel. Shape: as tryRead, and `undefined` where
   * this pair of sockets cannot do that.
   */
  spliceTo?(target: Socket, maxBytes: number): number | undefined;
  /** True while spliced bytes of this socket wait for their target, so that the target is what to wait for. */
  readonly pendingSplice?: boolean;
  /** Ends the own side; reading goes on. What was written before is still delivered. */
  closeWrite(): void;
  /** Closes both sides; what was written is still delivered. */
  close(): void;
  /** Closes with a reset, so that the peer cannot take what it has for the whole. */
  abort(): void;

  /** Sets the one deadline of this socket, replacing the last. Units: milliseconds from now; Infinity for none. */
  expireAfter(ms: number): void;
  /** Called when the socket hangs up, breaks or its deadline passes, whether or not somebody waits for it. */
  onTrouble: (() => void) | undefined;
  /** Wakes whoever waits for this socket. */
  wake(): void;
}

/** What a listener tells its owner, and asks. */
export interface ListenHooks {
  /** Takes a new connection over. */
  readonly accepted: (socket: Socket) => void;
  /** Whether no connection may be taken just now; asked often. */
  readonly full: () => boolean;
  /** Accepting stops for a while, whatever the reason; told once for each time. */
  readonly pausing: () => void;
}

export interface Listener {
  readonly address: Address;
  close(): void;
}

/** One maker of sockets with its loop and timers. */
export interface Net {
  readonly kind: NetKind;
  readonly timers: Timers;
  /** Time of the current turn. Units: milliseconds, monotonic. */
  now(): number;
  /** How long the current turn has taken so far. Units: milliseconds. Cost: reads the clock. */
  sinceTurn(): number;
  /** Starts accepting. It pauses by itself while descriptors are exhausted or the hooks say so. */
  listen(spec: ListenerSpec, hooks: ListenHooks): Listener;
  /**
   * Connects to an IP literal or unix path.
   *
   * Errors: MeshError connect_refused or connect_timeout.
   */
  dial(address: Address, timeoutMs: number): Promise<Socket>;
  /** Resolves in the next turn, after other sockets have had theirs. */
  turn(): Promise<void>;
  /** Resolves after the time, coarse. */
  sleep(ms: number): Promise<void>;
}
