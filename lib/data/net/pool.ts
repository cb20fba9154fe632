/** Idle connections to one endpoint, newest first, dropped as soon as they end, speak unasked or grow old. */
import { type Socket, WAIT } from "./socket.ts";

/** A connection that can wait in a pool. */
export interface Poolable {
  readonly socket: Socket;
  /** Made once by the pool of the connection's endpoint, which it always comes back to. */
  leavePool?: () => void;
}

/** Counts what the pools of one thread hold. */
export interface PoolGauge {
  idle: number;
}

export class IdlePool<Connection extends Poolable> {
  readonly #idle: Connection[] = [];
  readonly #gauge: PoolGauge;
  readonly #maxIdle: number;

  constructor(gauge: PoolGauge, maxIdle = 4096) {
    this.#gauge = gauge;
    this.#maxIdle = maxIdle;
  }

  get size(): number {
    return this.#idle.length;
  }

  /** The connection used last, so that the rest can grow old; undefined when none is usable. */
  take(): Connection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) return undefined;
      this.#gauge.idle--;
      const { socket } = connection;
      socket.onTrouble = undefined;
      // Anything readable on an idle connection is its end or an answer nobody asked for.
      if (!socket.closed && !socket.readReady && !socket.hungUp && !socket.timedOut) {
        return connection;
      }
      socket.close();
    }
  }

  put(connection: Connection, idleMs: number): void {
    if (this.#idle.length >= this.#maxIdle || !isQuiet(connection.socket)) {
      connection.socket.close();
      return;
    }
    this.#idle.push(connection);
    this.#gauge.idle++;
    connection.socket.expireAfter(idleMs);
    connection.socket.onTrouble = connection.leavePool ??= () => this.#drop(connection);
  }

  #drop(connection: Connection): void {
    const index = this.#idle.indexOf(connection);
    if (index >= 0) {
      this.#idle.splice(index, 1);
      this.#gauge.idle--;
    }
    connection.socket.close();
  }

  closeAll(): void {
    for (const connection of this.#idle.splice(0)) {
      this.#gauge.idle--;
      connection.socket.onTrouble = undefined;
      connection.socket.close();
    }
  }
}

const probe = new Uint8Array(1);

/** Whether a connection is open with nothing to read. Cost: a read where the last one may have left something. */
function isQuiet(socket: Socket): boolean {
  if (socket.closed || socket.hungUp) return false;
  // A body that was moved inside the kernel, or filled the buffer exactly, leaves it open whether more has come.
  return !socket.readReady || socket.tryRead(probe, 0, 1) === WAIT;
}
