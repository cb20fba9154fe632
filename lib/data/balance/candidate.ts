/** What a balancer knows of one endpoint, and how an answer or a refusal changes it. */

/** The numbers of an endpoint that balancers read. They live on the endpoint's own state and change in place. */
export interface Candidate {
  readonly key: string;
  /** Relative to the others; above 0. A change of it comes with a new list. */
  readonly weight: number;
  /** Attempts of this thread that are under way. */
  open: number;
  /** Response time: jumps to a slower answer at once and comes down with time. 0: none seen yet. */
  latencyMs: number;
  /** When `latencyMs` was set. */
  latencyAtMs: number;
  /** Response time: moving mean of the last few. 0: none seen yet. */
  meanMs: number;
  /** Turned a call away shortly before; counts as busier than it is until then. */
  refusedUntilMs: number;
  /** Refusals since the last good answer; those that come together count once. */
  refusals: number;
  /** First good answer of a newcomer; `notYet` before it, `longAgo` for those that were there from the start. */
  warmFromMs: number;
}

/** A newcomer without a good answer. */
export const notYet = Infinity;
/** Warm as far as anyone knows. */
export const longAgo = -Infinity;

/** What the fields of a fresh endpoint hold. Shape: `warmFromMs` is `longAgo`; newcomers get `notYet`. */
export const freshNumbers = {
  open: 0,
  latencyMs: 0,
  latencyAtMs: 0,
  meanMs: 0,
  refusedUntilMs: 0,
  refusals: 0,
  warmFromMs: longAgo,
} as const;

/** How long a refusal counts; twice as long for each further one in a row. Units: milliseconds. */
export const refusalMs = 5_000;
/** The longest for a row of refusals, and for a time that the endpoint names itself. Units: milliseconds. */
const maxGuessedMs = 60_000;
export const maxRefusalMs = 300_000;

/** What a refusal counts as in the moving mean. Units: milliseconds. */
const refusalMeanMs = 1_000;

/** Refusals in a row beyond this count no more. */
const maxCounted = 6;
/** Calls that one refusal counts as, and by how much each further one in a row outweighs the one before. */
const refusalWeight = 4;
/** Refusals in a row that a long `Retry-After` is worth: whoever names a time means it. */
const announced = 3;

/** A measured time of 0 would read as none. Units: milliseconds. */
const shortestMs = 0.001;
/** Weight of the newest answer in the moving mean: about the last ten count. */
const meanShare = 0.2;

export interface Observation {
  readonly nowMs: number;
  /** How fast a slow answer is forgotten. */
  readonly decayMs: number;
}

/**
 * Folds the response time of a good answer in.
 *
 * Shape: changes the candidate; a newcomer's first good answer starts its warm-up.
 * Units: milliseconds.
 * Cost: one exponential at most; allocates nothing.
 */
export function observeAnswer(
  candidate: Candidate,
  elapsedMs: number,
  at: Observation,
): void {
  // One refusal between good answers means little. A time that was named, or a row of refusals, stands until it is
  // over: calls taken before it still end well while new ones are turned away.
  if (candidate.refusals < announced || at.nowMs >= candidate.refusedUntilMs) forgive(candidate);
  if (candidate.warmFromMs === notYet) candidate.warmFromMs = at.nowMs;
  const sampleMs = Math.max(shortestMs, elapsedMs);
  foldPeak(candidate, sampleMs, at);
  foldMean(candidate, sampleMs);
}

/**
 * Folds a call in that the endpoint turned away or never took: 429, 503, a failed or refused connection, a timeout.
 *
 * Shape: changes the candidate. Without it an endpoint that refuses at once would look like the fastest and the
 * least busy of all and draw the calls of everyone.
 * Units: milliseconds. `retryAfterMs`: what the answer said, 0 if nothing.
 */
export function observeRefusal(
  candidate: Candidate,
  elapsedMs: number,
  at: Observation & { readonly retryAfterMs: number },
): void {
  // Calls that fail together are one sign, not many.
  if (candidate.refusals === 0 || at.nowMs >= candidate.refusedUntilMs) candidate.refusals++;
  const guessedMs = Math.min(maxGuessedMs, refusalMs * 2 ** Math.min(candidate.refusals - 1, 10));
  if (at.retryAfterMs > guessedMs) candidate.refusals = Math.max(candidate.refusals, announced);
  const aloneMs = Math.min(maxRefusalMs, Math.max(guessedMs, at.retryAfterMs));
  candidate.refusedUntilMs = Math.max(candidate.refusedUntilMs, at.nowMs + aloneMs);
  foldMean(candidate, Math.max(refusalMeanMs, elapsedMs));
}

/**
 * How busy an endpoint counts as: its calls under way, and more while it lately turned calls away.
 *
 * Shape: one refusal counts as 4 calls, each further one in a row four times that, so that of endpoints that all
 * fail now and then those that always fail still come last. When its time is over a refuser gets one call at a time
 * until it answers well.
 * Cost: two comparisons for an endpoint that answers.
 */
export function busyness(candidate: Candidate, nowMs: number): number {
  const { open, refusals } = candidate;
  if (refusals === 0 || (open === 0 && candidate.refusedUntilMs <= nowMs)) return open;
  return open + refusalWeight ** Math.min(refusals, maxCounted);
}

/** Takes refusals back: a probe found the endpoint well. */
export function forgive(candidate: Candidate): void {
  candidate.refusals = 0;
  candidate.refusedUntilMs = 0;
}

/** The response time as of now: an endpoint nobody asks is forgiven by and by. Units: milliseconds; 0: none seen. */
export function latencyNow(candidate: Candidate, at: Observation): number {
  const ageMs = at.nowMs - candidate.latencyAtMs;
  // An endpoint in use was measured just now: the exponential would change nothing worth its time.
  if (ageMs < at.decayMs / 100) return candidate.latencyMs;
  return candidate.latencyMs * Math.exp(-ageMs / at.decayMs);
}

function foldPeak(candidate: Candidate, sampleMs: number, at: Observation): void {
  if (sampleMs >= candidate.latencyMs) {
    candidate.latencyMs = sampleMs;
  } else {
    // Within a moment nothing is forgotten that would be worth an exponential for each answer.
    if (at.nowMs - candidate.latencyAtMs < at.decayMs / 1000) return;
    const kept = Math.exp(-Math.max(0, at.nowMs - candidate.latencyAtMs) / at.decayMs);
    candidate.latencyMs = candidate.latencyMs * kept + sampleMs * (1 - kept);
  }
  candidate.latencyAtMs = at.nowMs;
}

function foldMean(candidate: Candidate, sampleMs: number): void {
  candidate.meanMs = candidate.meanMs === 0
    ? sampleMs
    : candidate.meanMs + (sampleMs - candidate.meanMs) * meanShare;
}
