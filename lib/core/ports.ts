/** The injected effects: what pure code and loops take as their last argument instead of reaching for globals. */
import type { Address } from "./address.ts";

export interface Clock {
  /** Monotonic. Units: milliseconds from an arbitrary start; never jumps with the wall clock. */
  now(): number;
  /** Units: milliseconds since 1970. For display and stored timestamps only. */
  wall(): number;
  /** Resolves after `ms`, or as soon as `signal` aborts (it never rejects). Does not keep the process alive. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Uniform in [0, 1). */
export type Random = () => number;

export interface Logger {
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** The subset of fetch that control code uses; tests hand in a function. */
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

/** True when a TCP connection to the address is accepted within the time. Never throws. */
export type Probe = (host: string, port: number, timeoutMs: number) => Promise<boolean>;

/** Small text files of the state folder. */
export interface Files {
  /** Undefined when there is no such file. Errors: anything else the system says. */
  read(path: string): Promise<string | undefined>;
  /** Writes a temporary file beside it, syncs it, renames it over the old one. */
  replace(path: string, text: string): Promise<void>;
  /** Moves a damaged file out of the way. */
  setAside(path: string, suffix: string): Promise<void>;
}

/** A server that mesher itself runs: admin, embedded registry. */
export interface HttpServer {
  /** Where it listens; port 0 has become a real one. */
  readonly address: Address;
  /** Stops accepting and ends open connections after they had a moment to finish. */
  close(): Promise<void>;
}

/** Starts a server. Errors: AddressInUseError when the port is taken; what the system says otherwise. */
export type ServeHttp = (
  address: Address,
  fetch: (request: Request) => Response | Promise<Response>,
) => HttpServer;

/** Somebody else listens there already. */
export class AddressInUseError extends Error {
  override readonly name = "AddressInUseError";
}

/** One connection that carries bytes; what the system's own connections offer is enough. */
export interface ByteConnection {
  /** Shape: the number of bytes put into the array, null at the end. Errors: what the system says. */
  read(into: Uint8Array): Promise<number | null>;
  /** Shape: how many of the bytes were written. Errors: what the system says. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends a read under way, too. */
  close(): void;
}

export interface DialTarget {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
}

/** Opens a connection. Errors: what the system says, or the signal's reason. */
export type Dial = (target: DialTarget, signal: AbortSignal) => Promise<ByteConnection>;
