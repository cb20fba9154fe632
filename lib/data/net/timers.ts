/**
 * A coarse timer wheel: thousands of deadlines that are moved with every request and hardly ever pass.
 *
 * Moving a deadline further away costs one store; the entry is looked at again when its old slot comes up. No timer
 * object, no closure, no allocation per request.
 */

/** Something with one deadline. Intrusive: the fields belong to the wheel while it is linked. */
export abstract class Deadline {
  /** Units: milliseconds on the wheel's clock; Infinity for none. */
  dueAt = Infinity;
  /** Slot time the entry is linked under; Infinity when it is not linked. */
  linkedAt = Infinity;
  previous: Deadline | undefined;
  next: Deadline | undefined;

  /** Called once when the deadline has passed. */
  abstract expired(): void;
}

class Head extends Deadline {
  override expired(): void {}
}

const SLOTS = 512;

export class Timers {
  readonly #heads: Head[];
  readonly #tickMs: number;
  /** Index of the last tick that was swept. */
  #swept: number;
  #count = 0;
  /** No linked entry is due before this time; found again when it has passed. */
  #nextAt = Infinity;

  /** Units: `tickMs` is the resolution; a deadline passes at most that much late. */
  constructor(nowMs: number, tickMs = 8) {
    this.#tickMs = tickMs;
    this.#swept = Math.floor(nowMs / tickMs);
    this.#heads = Array.from({ length: SLOTS }, () => {
      const head = new Head();
      head.next = head.previous = head;
      return head;
    });
  }

  /** Deadlines that are linked; some may have been moved or lifted since. */
  get count(): number {
    return this.#count;
  }

  /** Sets, moves or (Infinity) lifts a deadline. Cost: a store, unless it moves nearer. */
  set(item: Deadline, dueAtMs: number): void {
    item.dueAt = dueAtMs;
    if (dueAtMs >= item.linkedAt) return;
    if (dueAtMs === Infinity) return;
    if (item.linkedAt !== Infinity) this.#unlink(item);
    this.#link(item);
  }

  /** Forgets an item that goes away. */
  drop(item: Deadline): void {
    item.dueAt = Infinity;
    if (item.linkedAt !== Infinity) this.#unlink(item);
  }

  #link(item: Deadline): void {
    const tick = Math.min(
      Math.max(Math.ceil(item.dueAt / this.#tickMs), this.#swept + 1),
      this.#swept + SLOTS - 1,
    );
    const head = this.#heads[tick % SLOTS]!;
    item.linkedAt = tick * this.#tickMs;
    if (item.linkedAt < this.#nextAt) this.#nextAt = item.linkedAt;
    item.next = head;
    item.previous = head.previous;
    head.previous!.next = item;
    head.previous = item;
    this.#count++;
  }

  #unlink(item: Deadline): void {
    item.previous!.next = item.next;
    item.next!.previous = item.previous;
    item.next = item.previous = undefined;
    item.linkedAt = Infinity;
    this.#count--;
  }

  /** Calls `expired` of everything due. Cost: the slots passed since the last call. */
  advance(nowMs: number): void {
    const target = Math.floor(nowMs / this.#tickMs);
    if (this.#count === 0) {
      this.#swept = Math.max(this.#swept, target);
      this.#nextAt = Infinity;
      return;
    }
    // After a long pause every slot is swept once, not once per tick missed.
    const first = Math.max(this.#swept + 1, target - SLOTS + 1);
    for (let tick = first; tick <= target; tick++) {
      this.#swept = tick;
      this.#sweep(this.#heads[tick % SLOTS]!, nowMs);
    }
  }

  #sweep(head: Head, nowMs: number): void {
    // An item that is linked again during the sweep lands in another slot, so taking the first until none is left
    // ends; following links instead would be led astray by a neighbour that `expired` drops or moves.
    for (let item = head.next!; item !== head; item = head.next!) {
      this.#unlink(item);
      if (item.dueAt <= nowMs) {
        item.dueAt = Infinity;
        item.expired();
      } else if (item.dueAt !== Infinity) {
        this.#link(item);
      }
    }
  }

  /** How long a loop may wait before it has to call `advance`. Units: milliseconds, at most `maxMs`. */
  waitMs(nowMs: number, maxMs: number): number {
    if (this.#count === 0) return maxMs;
    if (this.#nextAt <= this.#swept * this.#tickMs) this.#nextAt = this.#findNext();
    return Math.min(maxMs, Math.max(0, Math.ceil(this.#nextAt - nowMs)));
  }

  #findNext(): number {
    for (let tick = this.#swept + 1; tick < this.#swept + SLOTS; tick++) {
      const head = this.#heads[tick % SLOTS]!;
      if (head.next !== head) return tick * this.#tickMs;
    }
    return Infinity;
  }
}
