/** Times as texts, made quickly: most of them lie in the same second, and few digits follow the point. */

/** What follows the point, by the number of thousandths. */
const fractions: readonly string[] = Array.from(
  { length: 1000 },
  (_, thousandths) => (thousandths / 1000).toString().slice(1),
);
/** Above these a number is no small one to the engine. Units: milliseconds. */
const maxQuickMs = 2 ** 30;

/** A duration in milliseconds, as JSON writes it; more digits than those of a microsecond would only be noise. */
export function milliseconds(ms: number): string {
  const microseconds = Math.round(ms * 1000);
  const whole = Math.floor(microseconds / 1000);
  if (!(whole >= 0 && whole < maxQuickMs)) return JSON.stringify(microseconds / 1000);
  return `${whole}${fractions[microseconds - whole * 1000]}`;
}

/** Times of the wall clock in ISO 8601, UTC, to the millisecond. */
export class Moments {
  #second = NaN;
  /** Everything up to the point and with it. */
  #start = "";

  /** Units: milliseconds since 1970. */
  of(ms: number): string {
    const second = Math.floor(ms / 1000);
    if (second !== this.#second) {
      this.#start = new Date(second * 1000).toISOString().slice(0, -4);
      this.#second = second;
    }
    return `${this.#start}${String(1000 + Math.floor(ms) - second * 1000).slice(1)}Z`;
  }
}
