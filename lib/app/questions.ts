/** Questions to the data threads: each is put to all of them, and their answers become one. */
import type { ExplainQuestion, Explanation } from "../plane/observe.ts";

export interface QuestionsOptions {
  readonly post: (question: ExplainQuestion) => void;
  /** Threads that are asked. */
  readonly threads: () => number;
  readonly timeoutMs?: number;
}

interface Open {
  readonly answers: (Explanation | undefined)[];
  missing: number;
  readonly complete: () => void;
}

export class Questions {
  readonly #options: Required<QuestionsOptions>;
  readonly #open = new Map<number, Open>();
  #id = 0;

  constructor(options: QuestionsOptions) {
    this.#options = { timeoutMs: 1000, ...options };
  }

  /** Errors: when no thread answers in time; one that is late is left out. */
  async ask(question: Omit<ExplainQuestion, "id">): Promise<Explanation> {
    const { post, threads, timeoutMs } = this.#options;
    const id = ++this.#id;
    const { promise, resolve } = Promise.withResolvers<void>();
    const open: Open = { answers: [], missing: threads(), complete: resolve };
    this.#open.set(id, open);
    const timer = setTimeout(resolve, timeoutMs);
    try {
      post({ ...question, id });
      await promise;
    } finally {
      clearTimeout(timer);
      this.#open.delete(id);
    }
    const answers = open.answers.filter((one) => one !== undefined);
    if (answers.length === 0) {
      throw new Error(`no data thread answered within ${timeoutMs} ms; look at the sidecar's log`);
    }
    return together(answers);
  }

  answered({ id, explanation }: { id: number; explanation: Explanation }, thread: number): void {
    const open = this.#open.get(id);
    if (open === undefined || open.answers[thread] !== undefined) return;
    open.answers[thread] = explanation;
    if (--open.missing <= 0) open.complete();
  }
}

/**
 * Each thread has seen other calls, so one may pass an endpoint over that another calls.
 *
 * Shape: the first answer, and at each endpoint how many threads exclude it where they differ.
 */
export function together(answers: readonly Explanation[]): Explanation {
  const [first, ...others] = answers;
  if (others.length === 0) return first!;
  const candidates = first!.candidates.map((candidate) => {
    const same = answers.map((answer) =>
      answer.candidates.find((one) =>
        one.endpoint === candidate.endpoint && one.instanceId === candidate.instanceId
      )
    ).filter((one) => one !== undefined);
    const excluding = same.filter((one) => one.excluded !== undefined);
    if (excluding.length === 0 || excluding.length === same.length) return candidate;
    const { excluded, state } = excluding[0]!;
    const { excluded: _, ...rest } = candidate;
    // A thread that calls it is enough for a call to get there.
    return {
      ...rest,
      state: `${state} in ${excluding.length} of ${same.length} threads: ${excluded}`,
    };
  });
  // Of the ways it may end the better one is shown; the steps belong to it.
  const best = answers.find((one) => one.failure === undefined) ?? first!;
  return { ...best, candidates };
}
