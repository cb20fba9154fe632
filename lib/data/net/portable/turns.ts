/**
 * Fair turns for many busy sockets.
 *
 * The runtime polls its sockets within one task, which may see about 128 of them ready before it has to yield; those
 * it did not get to are woken after the freshly ready ones. With more busy sockets than that the same ones are served
 * every time and the rest wait for ever. So while many are busy, a socket that was served holds its next read back
 * until a pass of the event loop has gone by in which nobody was served: then everybody has had a turn.
 */

/** Busy sockets up to this number are all reached; holding them back would only cost time. */
const fewSockets = 100;

/** A socket that wants to read again. */
export interface Reading {
  /** Number of the last round in which it was served; kept by ReadTurns. */
  servedIn: number;
  startRead(): void;
}

export class ReadTurns {
  readonly #held: Reading[] = [];
  #round = 1;
  /** Different sockets served in this round and in the one before. */
  #busy = 0;
  #busyBefore = 0;
  #servedInPass = false;
  #waiting = false;

  /** Counts a read that brought something. */
  served(socket: Reading): void {
    this.#servedInPass = true;
    if (socket.servedIn === this.#round) return;
    socket.servedIn = this.#round;
    this.#busy++;
  }

  /** Begins a new round; called by the clock, so that a crowd that has gone is soon forgotten. */
  nextRound(): void {
    this.#round++;
    this.#busyBefore = this.#busy;
    this.#busy = 0;
  }

  /** Starts the read now, or when the others have had their turn. */
  read(socket: Reading): void {
    if (this.#busy <= fewSockets && this.#busyBefore <= fewSockets) return socket.startRead();
    this.#held.push(socket);
    if (this.#waiting) return;
    this.#waiting = true;
    setTimeout(this.#pass, 0);
  }

  readonly #pass = (): void => {
    if (this.#servedInPass) {
      this.#servedInPass = false;
      setTimeout(this.#pass, 0);
      return;
    }
    this.#waiting = false;
    for (const socket of this.#held.splice(0)) socket.startRead();
  };
}
