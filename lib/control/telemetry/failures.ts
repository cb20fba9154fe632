/** The latest failures that the data threads reported, with words on what to check. */
import { failureTable, type Fault } from "../../core/errors.ts";
import type { FailureReport } from "../../plane/messages.ts";

/** A failure as a person reads it. */
export interface ExplainedFailure extends FailureReport {
  /** Counts up from 1 over the life of the process. */
  readonly sequence: number;
  readonly title: string;
  readonly check: string;
  readonly fault: Fault;
}

export interface FailureQuery {
  readonly service?: string | undefined;
  readonly code?: string | undefined;
  /** Only those that came after this one. */
  readonly after?: number | undefined;
  readonly limit?: number | undefined;
}

const kept = 200;
/** Longer texts come from the outside and are cut. */
const maxText = 500;

export class FailureRing {
  readonly #ring: ExplainedFailure[] = [];
  #sequence = 0;
  #dropped = 0;

  /** Takes a batch; `dropped` failures were not told of. */
  add({ failures, dropped }: {
    readonly failures: readonly FailureReport[];
    readonly dropped: number;
  }): void {
    this.#dropped += dropped;
    for (const failure of failures) {
      const { title, check, fault } = failureTable[failure.code];
      this.#ring[this.#sequence % kept] = {
        ...failure,
        target: cut(failure.target),
        detail: cut(failure.detail),
        sequence: ++this.#sequence,
        title,
        check,
        fault,
      };
    }
  }

  /** Number of the newest. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Failures that were too many to be told of one by one. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Shape: newest first. */
  latest(query: FailureQuery = {}): readonly ExplainedFailure[] {
    const { service, code, after = 0, limit = kept } = query;
    const found: ExplainedFailure[] = [];
    const oldest = Math.max(after, this.#sequence - kept);
    for (let number = this.#sequence; number > oldest && found.length < limit; number--) {
      const failure = this.#ring[(number - 1) % kept]!;
      if (service !== undefined && failure.service !== service) continue;
      if (code !== undefined && failure.code !== code) continue;
      found.push(failure);
    }
    return found;
  }
}

function cut(text: string): string {
  return text.length <= maxText ? text : `${text.slice(0, maxText)}...`;
}
