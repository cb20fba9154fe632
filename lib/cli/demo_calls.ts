/** The demo's caller: a steady stream of calls that does not slow down when answers do, and its totals. */
import { realClock } from "../platform/real_clock.ts";

export interface DemoTotal {
  readonly calls: number;
  readonly failures: number;
  readonly byInstance: ReadonlyMap<string, number>;
  readonly examples: readonly string[];
}

export class DemoCalls {
  readonly #url: string;
  readonly #byInstance = new Map<string, number>();
  readonly #examples: string[] = [];
  readonly #open = new Set<Promise<void>>();
  #calls = 0;
  #failures = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  /** Errors: when there was none in time, with what came instead. */
  async untilFirstSuccess(timeoutMs: number): Promise<void> {
    const endMs = realClock.now() + timeoutMs;
    for (;;) {
      const answer = await this.#ask();
      if (typeof answer !== "string") return;
      if (realClock.now() > endMs) throw new Error(`no call got through: ${answer}`);
      await realClock.sleep(100);
    }
  }

  begin(perSecond: number): void {
    this.#timer = setInterval(() => {
      const call = this.#call().finally(() => this.#open.delete(call));
      this.#open.add(call);
    }, 1000 / perSecond);
  }

  async #call(): Promise<void> {
    const answer = await this.#ask();
    this.#calls++;
    if (typeof answer === "string") {
      this.#failures++;
      if (this.#examples.length < 5) this.#examples.push(answer);
    } else {
      this.#byInstance.set(answer.instance, (this.#byInstance.get(answer.instance) ?? 0) + 1);
    }
  }

  /** Shape: who answered, or in words what went wrong. */
  async #ask(): Promise<{ instance: string } | string> {
    try {
      const response = await fetch(this.#url, { signal: AbortSignal.timeout(10_000) });
      const text = await response.text();
      if (response.status !== 200) return `${response.status} ${text.slice(0, 300)}`;
      const { instance } = JSON.parse(text) as { instance: string };
      return { instance };
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Waits until an instance has answered a call. Errors: when it has not in time. */
  async untilInstance(name: string, timeoutMs: number): Promise<void> {
    const endMs = realClock.now() + timeoutMs;
    while (!this.#byInstance.has(name)) {
      if (realClock.now() > endMs) throw new Error(`no call reached instance ${name}`);
      await realClock.sleep(50);
    }
  }

  total(): DemoTotal {
    return {
      calls: this.#calls,
      failures: this.#failures,
      byInstance: new Map(this.#byInstance),
      examples: [...this.#examples],
    };
  }

  /** Stops calling, waits for open calls. */
  async end(): Promise<DemoTotal> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
    return this.total();
  }
}
