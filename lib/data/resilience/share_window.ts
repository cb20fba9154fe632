/** Requests and failures of the last while, in five numbers. */

/**
 * Counts over a sliding window, made of the running period and what the one before it still weighs.
 *
 * Shape: periods lie on a grid of the clock, so windows of the same length can be subtracted from each other.
 * Units: `windowMs` is handed in with every call; when it changes, what was counted fades out within two periods.
 */
export class ShareWindow {
  #endMs = 0;
  #requests = 0;
  #failures = 0;
  #olderRequests = 0;
  #olderFailures = 0;

  /** Has to precede every other call. Cost: a comparison, but for one call in each period. */
  advance(nowMs: number, windowMs: number): void {
    if (nowMs < this.#endMs) return;
    const endMs = (Math.floor(nowMs / windowMs) + 1) * windowMs;
    const adjoins = endMs - this.#endMs < 1.5 * windowMs;
    this.#olderRequests = adjoins ? this.#requests : 0;
    this.#olderFailures = adjoins ? this.#failures : 0;
    this.#requests = this.#failures = 0;
    this.#endMs = endMs;
  }

  /** Counts one request; `failures` is 0 or 1. */
  add(failures: number): void {
    this.#requests += 1;
    this.#failures += failures;
  }

  /** Takes one success back; where it was counted in the period before, that one's number is off by one. */
  takeBack(): void {
    this.#requests = Math.max(this.#failures, this.#requests - 1);
  }

  /** What a request of the period before counts now. Shape: in [0, 1], for `requests` and `failures`. */
  weight(nowMs: number, windowMs: number): number {
    return Math.min(1, Math.max(0, (this.#endMs - nowMs) / windowMs));
  }

  requests(weight: number): number {
    return this.#requests + weight * this.#olderRequests;
  }

  failures(weight: number): number {
    return this.#failures + weight * this.#olderFailures;
  }

  /** Takes out of this sum what was counted in a part of it. */
  subtract(part: ShareWindow): void {
    this.#requests = Math.max(0, this.#requests - part.#requests);
    this.#failures = Math.max(0, this.#failures - part.#failures);
    this.#olderRequests = Math.max(0, this.#olderRequests - part.#olderRequests);
    this.#olderFailures = Math.max(0, this.#olderFailures - part.#olderFailures);
  }

  clear(): void {
    this.#requests =
      this.#failures =
      this.#olderRequests =
      this.#olderFailures =
        0;
  }
}
