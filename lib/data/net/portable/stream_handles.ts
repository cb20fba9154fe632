/**
 * The runtime's own stream handles, the layer below `node:net`: read by callback, written at once.
 *
 * They cost a part of what a promise for every read and every write of `Deno.Conn` does, and serve everybody in turn
 * however many are busy. The runtime's documentation promises nothing of this, so every part is looked for before it
 * is used, and a connection stays a `Deno.Conn` where one is missing.
 */

/** A request whose end is told later: a write that did not go out at once, the end of the own side. */
export interface StreamRequest {
  /** Shape: 0, or the number of a system error. */
  oncomplete: (status: number) => void;
}

export interface StreamHandle {
  /** Called with every read; how much came stands in the shared state. */
  onread: () => void;
  /** Every read of this handle goes to the begin of the buffer. */
  useUserBuffer(buffer: Uint8Array<ArrayBuffer>): void;
  /** Shape: 0, or the number of a system error; likewise below. */
  readStart(): number;
  readStop(): number;
  /** What does not go out at once goes out later, from where it lies. */
  writeBuffer(request: StreamRequest, bytes: Uint8Array): number;
  /** Ends the own side once everything written has gone out. */
  shutdown(request: StreamRequest): number;
  openFromRid(rid: number): number;
  close(): void;
}

/** What is used of the runtime's bindings `tcp_wrap`, `stream_wrap` and `uv`. */
interface Bindings {
  readonly TCP: new (type: number) => StreamHandle;
  readonly WriteWrap: new () => StreamRequest;
  readonly ShutdownWrap: new () => StreamRequest;
  /** The type of a handle that is connected, not one that listens. */
  readonly connected: number;
  /** Results of the last call, at the two places below. */
  readonly state: Int32Array;
  readonly cameAt: number;
  readonly goesLaterAt: number;
  /** The names of system errors by their numbers. */
  readonly errors: ReadonlyMap<number, readonly [name: string, ...words: string[]]>;
}

/** Most bytes that one read brings. */
const readBytes = 64 * 1024;

export class StreamHandles {
  /** Where every read leaves its bytes, until the next one. */
  readonly buffer: Uint8Array<ArrayBuffer> = new Uint8Array(readBytes);
  readonly #bindings: Bindings;
  /** The request of a write that went out at once, as good as new. */
  #spareWrite: StreamRequest | undefined;

  private constructor(bindings: Bindings) {
    this.#bindings = bindings;
  }

  /** Shape: undefined where the runtime has none, or others than are known here. */
  static find(): StreamHandles | undefined {
    const bindings = findBindings();
    return bindings === undefined ? undefined : new StreamHandles(bindings);
  }

  /**
   * A handle on the connection's socket. The connection is to be kept and closed after it: its end ends the writing
   * side of the socket they share.
   *
   * Shape: undefined when there is none for such a connection.
   */
  open(conn: Deno.Conn): StreamHandle | undefined {
    const rid = resourceOf(conn);
    if (rid === undefined) return undefined;
    const handle = new this.#bindings.TCP(this.#bindings.connected);
    if (handle.openFromRid(rid) !== 0) {
      handle.close();
      return undefined;
    }
    handle.useUserBuffer(this.buffer);
    return handle;
  }

  /** How much the last read brought. Units: bytes; below 0 the number of a system error, of which `EOF` is one. */
  get came(): number {
    return this.#bindings.state[this.#bindings.cameAt]!;
  }

  /**
   * Shape: 0 when all bytes went out; the request when the rest does later, of which `oncomplete` is to be set and
   * until which the bytes must stay as they are; else the number of a system error.
   */
  write(handle: StreamHandle, bytes: Uint8Array): number | StreamRequest {
    const { WriteWrap, state, goesLaterAt } = this.#bindings;
    const request = this.#spareWrite ??= new WriteWrap();
    const code = handle.writeBuffer(request, bytes);
    if (code !== 0) return code;
    if (state[goesLaterAt] === 0) return 0;
    this.#spareWrite = undefined;
    return request;
  }

  /** Ends the own side once everything written has gone out. */
  end(handle: StreamHandle, failed: (code: number) => void): void {
    const request = new this.#bindings.ShutdownWrap();
    request.oncomplete = (code) => {
      if (code !== 0) failed(code);
    };
    const code = handle.shutdown(request);
    if (code !== 0) failed(code);
  }

  /** The system's name of an error, like `ECONNRESET`; `EOF` for the end of the stream. */
  errorName(code: number): string {
    return this.#bindings.errors.get(code)?.[0] ?? `${code}`;
  }
}

/** Looks a binding of the runtime up. Errors: throws for an unknown name. */
type Lookup = (name: string) => Readonly<Record<string, unknown>>;

function findBindings(): Bindings | undefined {
  const { process } = globalThis as { readonly process?: { readonly binding?: Lookup } };
  try {
    // Looked up late: loading them takes some milliseconds and megabytes, which native sockets do without.
    const [tcp, stream, uv] = ["tcp_wrap", "stream_wrap", "uv"].map(process!.binding!);
    const found = {
      TCP: tcp!.TCP,
      WriteWrap: stream!.WriteWrap,
      ShutdownWrap: stream!.ShutdownWrap,
      connected: (tcp!.constants as { readonly SOCKET?: unknown }).SOCKET,
      state: stream!.streamBaseState,
      cameAt: stream!.kReadBytesOrError,
      goesLaterAt: stream!.kLastWriteWasAsync,
      errors: (uv!.getErrorMap as () => unknown)(),
    } as Bindings;
    return isKnown(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

/** What a handle must be able to do. */
const methods: readonly (keyof StreamHandle)[] = [
  "useUserBuffer",
  "readStart",
  "readStop",
  "writeBuffer",
  "shutdown",
  "openFromRid",
];

function isKnown(found: Bindings): boolean {
  const { TCP, connected, state, cameAt, goesLaterAt } = found;
  const handle = new TCP(connected);
  const whole = methods.every((name) => name in handle);
  handle.close();
  return whole && state instanceof Int32Array && cameAt < state.length &&
    goesLaterAt < state.length && found.errors instanceof Map &&
    typeof found.WriteWrap === "function" && typeof found.ShutdownWrap === "function";
}

let ridSymbol: symbol | undefined;

/** The number under which the runtime keeps the connection. Shape: undefined where it cannot be seen. */
function resourceOf(conn: Deno.Conn): number | undefined {
  // Unix sockets have handles of another type; few callers come that way.
  if (conn.remoteAddr.transport !== "tcp") return undefined;
  ridSymbol ??= Object.getOwnPropertySymbols(conn)
    .find(({ description }) => description === "Deno.internal.rid");
  if (ridSymbol === undefined) return undefined;
  const rid = (conn as unknown as Record<symbol, unknown>)[ridSymbol];
  return typeof rid === "number" ? rid : undefined;
}
