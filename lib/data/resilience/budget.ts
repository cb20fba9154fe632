/** The retry budget: retries may be a share of requests plus a few a second, so that they never become the load. */

export interface BudgetPolicy {
  /** Retries earned by one request. */
  readonly budgetRatio: number;
  readonly budgetPerSecond: number;
}

/** Seconds of earnings that can be saved up. */
const savedSeconds = 10;

export class RetryBudget {
  #tokens: number;
  #atMs: number;

  constructor(policy: BudgetPolicy, nowMs: number) {
    this.#tokens = policy.budgetPerSecond;
    this.#atMs = nowMs;
  }

  get tokens(): number {
    return this.#tokens;
  }

  /** Counts one request. Cost: an addition. */
  deposit(policy: BudgetPolicy): void {
    const cap = policy.budgetPerSecond * savedSeconds + 100 * policy.budgetRatio;
    this.#tokens = Math.min(cap, this.#tokens + policy.budgetRatio);
  }

  /** Takes one retry out; false when there is none left. A retry counts from here on, also while it waits. */
  withdraw(policy: BudgetPolicy, nowMs: number): boolean {
    const elapsedMs = Math.max(0, nowMs - this.#atMs);
    this.#atMs = nowMs;
    const cap = policy.budgetPerSecond * savedSeconds + 100 * policy.budgetRatio;
    this.#tokens = Math.min(cap, this.#tokens + (elapsedMs / 1000) * policy.budgetPerSecond);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
