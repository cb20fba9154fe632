/** Decides for requests whose caller has not decided: first by a share of traces, then by a rate. */
import type { TracingPolicy } from "../../plane/observe.ts";

/** Values that the bits looked at can have; as many as a number holds exactly. */
const values = 2 ** 52;

/** One per thread and policy. */
export class Sampler {
  readonly #atLeast: number;
  readonly #perSecond: number;
  #tokens: number;
  #filledAtMs = -Infinity;

  constructor({ share, perSecond }: Pick<TracingPolicy, "share" | "perSecond">) {
    this.#atLeast = (1 - share) * values;
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
  }

  /**
   * Shape: by the upper 52 of its last 56 bits, so that everybody with the same share decides alike on the same trace; those that have
   * a greater share take these and more.
   * Source: OpenTelemetry, trace state, probability sampling: a trace is taken when its bits reach the threshold.
   */
  sample(trace2: number, trace3: number, nowMs: number): boolean {
    const bits = (trace2 & 0xff_ffff) * 2 ** 28 + (trace3 >>> 4);
    return bits >= this.#atLeast && this.#take(nowMs);
  }

  #take(nowMs: number): boolean {
    if (this.#perSecond <= 0) return true;
    const passedMs = Math.max(0, nowMs - this.#filledAtMs);
    this.#filledAtMs = nowMs;
    this.#tokens = Math.min(this.#perSecond, this.#tokens + passedMs / 1000 * this.#perSecond);
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
