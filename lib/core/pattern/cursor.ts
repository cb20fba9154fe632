/** The place up to which a regular expression has been read, and what is said when it cannot go on. */

/** A regular expression that cannot be used. The message names it and says why. */
export class PatternError extends Error {
  override readonly name = "PatternError";

  constructor(readonly pattern: string, readonly reason: string) {
    super(`the regular expression ${JSON.stringify(pattern)} cannot be used: ${reason}`);
  }
}

/** Where the reading of a pattern stands. */
export interface PatternCursor {
  readonly source: string;
  at: number;
  ignoreCase: boolean;
  groups: number;
  depth: number;
}

/** Errors: PatternError, always. */
export function fail(cursor: PatternCursor, reason: string): never {
  throw new PatternError(cursor.source, reason);
}
