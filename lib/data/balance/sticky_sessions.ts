/** Which session is bound to which endpoint: a bounded table that forgets what is not used. */

interface Session {
  /** Empty: the binding has ended and the next pick makes a new one. */
  key: string;
  /** The endpoint whose failures ended the last binding. */
  avoid: string;
  usedAtMs: number;
  /** When the entry was last moved to the young end of the table. */
  movedAtMs: number;
  failures: number;
}

/** About 2 MB at most, for one service in one thread. */
const maxSessions = 10_000;

export interface SessionRules {
  /** An unused binding is kept for this long. */
  readonly idleMs: number;
  /** Failures in a row that end a binding. */
  readonly failures: number;
}

export class StickySessions {
  readonly #rules: SessionRules;
  readonly #maxSessions: number;
  /** Oldest first, roughly by use. */
  readonly #sessions = new Map<string, Session>();

  constructor(rules: SessionRules, limit: { readonly maxSessions: number } = { maxSessions }) {
    this.#rules = rules;
    this.#maxSessions = limit.maxSessions;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** The endpoint's key; empty when the session is bound to none. */
  find(id: string, nowMs: number): string {
    return this.#current(id, nowMs)?.key ?? "";
  }

  /** The endpoint that ended the session's last binding by its failures; empty if none did. */
  avoided(id: string, nowMs: number): string {
    return this.#current(id, nowMs)?.avoid ?? "";
  }

  /** Puts off the end of a binding. */
  touch(id: string, nowMs: number): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    session.usedAtMs = nowMs;
    // Moving an entry costs more than reading it: a quarter of the time is exact enough for who goes first.
    if (nowMs - session.movedAtMs < this.#rules.idleMs / 4) return;
    session.movedAtMs = nowMs;
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
  }

  /** Binds, or binds anew. Drops the session unused for longest when the table is full. */
  bind(id: string, key: string, nowMs: number): void {
    this.#sessions.delete(id);
    this.#makeRoom(nowMs);
    this.#sessions.set(id, { key, avoid: "", usedAtMs: nowMs, movedAtMs: nowMs, failures: 0 });
  }

  /** Takes note of how a call of the session to that endpoint ended. */
  settle(id: string, key: string, outcome: { readonly failed: boolean }): void {
    const session = this.#sessions.get(id);
    // A retry went elsewhere, or the binding has changed since.
    if (session === undefined || session.key !== key) return;
    if (!outcome.failed) {
      session.failures = 0;
      return;
    }
    if (++session.failures < this.#rules.failures) return;
    session.avoid = key;
    session.key = "";
    session.failures = 0;
  }

  #current(id: string, nowMs: number): Session | undefined {
    const session = this.#sessions.get(id);
    if (session === undefined || nowMs - session.usedAtMs <= this.#rules.idleMs) return session;
    this.#sessions.delete(id);
    return undefined;
  }

  /** Two expired entries go for each one that comes, so the table never has to be gone through. */
  #makeRoom(nowMs: number): void {
    let looked = 0;
    for (const [id, session] of this.#sessions) {
      const full = this.#sessions.size >= this.#maxSessions;
      if (!full && (nowMs - session.usedAtMs <= this.#rules.idleMs || looked >= 2)) return;
      this.#sessions.delete(id);
      looked++;
    }
  }
}
