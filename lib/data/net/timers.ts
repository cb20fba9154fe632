/**
 * A timer wheel: thousands of deadlines that are moved with every request and hardly ever pass.
 *
 * Moving a deadline further away costs one store; the entry is looked at again when its old slot comes up. No timer
 * object, no closure, no allocation per request. Near deadlines lie in a wheel of single ticks, far ones in a wheel of
 * coarse slots that are emptied into the near one before anything in them is due: who waits for a minute is looked at
 * once a minute, and still called to the tick.
 */

/** Something with one deadline. Intrusive: the fields belong to the wheel while it is linked. */
export abstract class Deadline {
  /** Units: milliseconds on the wheel's clock; Infinity for none. */
  dueAt = Infinity;
  /** When the wheel looks at the entry; Infinity when it is not linked. */
  linkedAt = Infinity;
  previous: Deadline | undefined;
  next: Deadline | undefined;

  /** Called once when the deadline has passed. */
  abstract expired(): void;
}

class Head extends Deadline {
  override expired(): void {}
}

/** Slots of the near wheel, a tick each: some seconds. The numbers of slots are powers of two. */
const nearSlots = 512;
/** Slots of the far wheel: some minutes. What is due later than that is looked at once in that time. */
const farSlots = 256;
/** Ticks of a far slot: about a second, so that a crowd wakes a thread no more often than that. */
const farTicks = 128;

export class Timers {
  readonly #near = emptySlots(nearSlots);
  readonly #far = emptySlots(farSlots);
  readonly #tickMs: number;
  readonly #farMs: number;
  /** Number of the last tick that was swept. All entries lie behind it, less than a turn of their wheel away. */
  #swept = 0;
  /** Up to where the wheels reach from there. */
  #nearEndMs = 0;
  #farEndMs = 0;
  #count = 0;
  /** No entry of a wheel is to be looked at before this time. */
  #nextNearMs = Infinity;
  #nextFarMs = Infinity;

  /** Units: `tickMs` is the resolution, a whole number; a deadline passes at most that much late. */
  constructor(nowMs: number, tickMs = 8) {
    this.#tickMs = tickMs;
    this.#farMs = tickMs * farTicks;
    this.#sweptTo(Math.floor(nowMs / tickMs));
  }

  /** Deadlines that are linked; some may have been moved or lifted since. */
  get count(): number {
    return this.#count;
  }

  /** Sets, moves or (Infinity) lifts a deadline. Cost: a store, unless it moves nearer. */
  set(item: Deadline, dueAtMs: number): void {
    item.dueAt = dueAtMs;
    if (dueAtMs >= item.linkedAt) return;
    this.#bringForward(item);
  }

  #bringForward(item: Deadline): void {
    if (item.linkedAt !== Infinity) this.#unlink(item);
    this.#link(item);
  }

  /** Forgets an item that goes away. */
  drop(item: Deadline): void {
    item.dueAt = Infinity;
    if (item.linkedAt !== Infinity) this.#unlink(item);
  }

  #link(item: Deadline): void {
    let head: Head;
    // Slots are found by a mask of the whole number: it may have more than 32 bits after some months.
    if (item.dueAt <= this.#nearEndMs) {
      const tick = Math.max(Math.ceil(item.dueAt / this.#tickMs), this.#swept + 1);
      head = this.#near[tick & (nearSlots - 1)]!;
      item.linkedAt = tick * this.#tickMs;
      if (item.linkedAt < this.#nextNearMs) this.#nextNearMs = item.linkedAt;
    } else {
      const slot = Math.floor(Math.min(item.dueAt, this.#farEndMs) / this.#farMs);
      head = this.#far[slot & (farSlots - 1)]!;
      item.linkedAt = slot * this.#farMs;
      if (item.linkedAt < this.#nextFarMs) this.#nextFarMs = item.linkedAt;
    }
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

  #sweptTo(tick: number): void {
    this.#swept = tick;
    this.#nearEndMs = (tick + nearSlots - 1) * this.#tickMs;
    this.#farEndMs = (tick + (farSlots - 1) * farTicks) * this.#tickMs;
  }

  /** Calls `expired` of everything due, tick by tick. Cost: a comparison, and the entries that come up. */
  advance(nowMs: number): void {
    for (let nextMs = this.#nextMs; nextMs <= nowMs; nextMs = this.#nextMs) {
      // A far slot first: something in it may be due at the very tick it begins with.
      if (nextMs === this.#nextFarMs) this.#approach(nextMs);
      else this.#sweep(nextMs, nowMs);
    }
    const tick = Math.floor(nowMs / this.#tickMs);
    if (tick > this.#swept) this.#sweptTo(tick);
  }

  /** Links everything in the far slot that begins now anew: in the near wheel, or where it was moved meanwhile. */
  #approach(beginMs: number): void {
    // The slot's first tick is still to be swept.
    this.#sweptTo(beginMs / this.#tickMs - 1);
    const head = this.#far[(beginMs / this.#farMs) & (farSlots - 1)]!;
    for (let item = head.next!; item !== head; item = head.next!) {
      this.#unlink(item);
      if (item.dueAt !== Infinity) this.#link(item);
    }
    this.#nextFarMs = firstMs(this.#far, beginMs, this.#farMs);
  }

  #sweep(atMs: number, nowMs: number): void {
    this.#sweptTo(atMs / this.#tickMs);
    const head = this.#near[this.#swept & (nearSlots - 1)]!;
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
    this.#nextNearMs = firstMs(this.#near, atMs, this.#tickMs);
  }

  /** How long a loop may wait before it has to call `advance`. Units: milliseconds, at most `maxMs`. */
  waitMs(nowMs: number, maxMs: number): number {
    if (this.#count === 0) return maxMs;
    return Math.min(maxMs, Math.max(0, Math.ceil(this.#nextMs - nowMs)));
  }

  get #nextMs(): number {
    return Math.min(this.#nextNearMs, this.#nextFarMs);
  }
}

function emptySlots(count: number): readonly Head[] {
  return Array.from({ length: count }, () => {
    const head = new Head();
    head.next = head.previous = head;
    return head;
  });
}

/** Time of the first slot with an entry after the one of `lastMs`; Infinity when all are empty. */
function firstMs(slots: readonly Head[], lastMs: number, slotMs: number): number {
  const last = lastMs / slotMs;
  for (let ahead = 1; ahead < slots.length; ahead++) {
    const head = slots[(last + ahead) & (slots.length - 1)]!;
    if (head.next !== head) return (last + ahead) * slotMs;
  }
  return Infinity;
}
