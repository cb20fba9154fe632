/**
 * Fair turns for many busy sockets.
 *
 * The runtime polls its sockets within one task, which may see about 128 of them ready before it has to yield; those
 * it did not get to are woken after the freshly ready ones. With more busy sockets than that the same ones are served
 * every time and the rest wait for ever. So while many are busy, a socket that was served holds its next read back
 * until a pass of the event loop has gone by in which hardly anybody was served: then everybody has had a turn.
 */

/** Busy sockets up to this number are all reached; holding them back would only cost time. */
const fewSockets = 100;
/** A pass that served no more than this has cut nobody off. */
const quietPass = 32;

/** A socket that wants to read again. */
export interface Reading {
  /** Number of the last round in which it was served; kept by ReadTurns. */
  servedIn: number;
  startRead(): void;
}

export class ReadTurns {
  readonly #held: Reading[] = [];
  readonly #afterPass: (then: () => void) => void;
  #round = 1;
  /** Different sockets served in this round and in the one before. */
  #busy = 0;
  #busyBefore = 0;
  #servedInPass = 0;
  #waiting = false;

  /** Shape: `afterPass` calls its function once everything that is ready now has been looked at. */
  constructor(afterPass: (then: () => void) => void) {
    this.#afterPass = afterPass;
  }

  /** Counts a read that brought something. */
  served(socket: Reading): void {
    this.#servedInPass++;
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
    this.#afterPass(this.#pass);
  }

  readonly #pass = (): void => {
    const served = this.#servedInPass;
    this.#servedInPass = 0;
    if (served > quietPass) {
      this.#afterPass(this.#pass);
      return;
    }
    this.#waiting = false;
    for (const socket of this.#held.splice(0)) socket.startRead();
  };
}
