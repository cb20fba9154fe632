/** How many requests may be under way at a time: a fixed number, or one found by watching the response times. */
import type { ConcurrencyPolicy } from "../../core/traffic.ts";

/** Until the limit first meets overload it grows so many times with each look, and looks are short. */
const startGrowth = 1.5;
const startSamples = 16;
/** Answers per look at the response times: some rounds of a low limit, a whole one of a high limit. */
const fewSamples = 16;
const manySamples = 64;
const roundsOfFew = 4;
/** Response times up to this many times the normal ones are not taken for waiting. */
const tolerance = 1.5;
/** The limit falls to this share at least: the half that was just tried. */
const lowestKept = 0.5;
/** After a fall the limit grows by this share first, and by so many times more with each look. */
const firstStepShare = 1 / 64;
const stepGrowth = 1.5;
/** A limit is in use when the requests under way came to this share of it; only then it grows. */
const usedShare = 0.8;
/** Numbers under way that differ by less than this beside a factor of two are as good as the same. */
const unsteadyFrom = 4;
/** A share of lost requests below this is not taken for overload, nor is a single one. */
const lostShare = 0.05;
/** Where more than this share of the callers leave without an answer, all of these count as lost. */
const mostShare = 0.5;
/** While requests are refused, so many looks pass between trials that nothing else asked for. */
const looksPerTrial = 32;
/** Times up to this many times longer than tolerated follow from the limit's own growth; longer ones are news. */
const drift = 1.4;
/** Where a trial found times this much shorter than normal, as roots, the next one follows after so many looks. */
const clearlyShorter = 0.9;
const looksToNextTrial = 4;
/** How fast the response time held for normal follows shorter ones, longer ones, and those of a trial. */
const followShorter = 0.2;
const followLonger = 0.05;
const followTrial = 0.7;

/**
 * A limit on requests under way.
 *
 * The adaptive one begins at the least that the policy allows, so that the first times it sees are those of an
 * application that hardly waits for itself, even when all begins in the middle of an overload. It grows by half with
 * each look until times become longer, and from then on by half its root, as long as it is used.
 *
 * It watches response times in looks of some dozens of answers. When they become clearly longer, a trial shows why:
 * half as many requests are let in for one look. If their answers come sooner, the rest had been waiting, and the limit
 * falls; if not, the service has become slower by itself, and that is normal from now on. A trial is also made now and
 * then while requests are refused, since what is held for normal may be overload already. Nothing is tried or changed
 * while less than half of the limit is used.
 *
 * Times are averaged as their roots, with the uncertainty of the average taken off: a few slow answers move little.
 *
 * Shape: `enter` before, `leave` after each request that entered. Cost: a comparison for a fixed limit, one root for
 * an adaptive one.
 */
export class ConcurrencyLimit {
  #policy: ConcurrencyPolicy;
  #exact = 1;
  #whole = 0;
  /** What it grows by next; without bound before it has fallen. */
  #step = Infinity;
  /** The look under way; times as roots of milliseconds. */
  #samples = 0;
  #sum = 0;
  #squares = 0;
  #lost = 0;
  /** Of the samples, those whose callers left first. */
  #unanswered = 0;
  #peak = 0;
  #refused = false;
  /** Under way at the newest `enter`, and at the one before the look began. */
  #open = 0;
  #openBefore = 0;
  /** Answers still to come to requests that began under another limit; they are passed over. */
  #skip = 0;
  /** The time held for normal, as a root; NaN: not known. */
  #normal = NaN;
  /** Nothing has shown yet how much is too much. */
  #starting = true;
  #looksToTrial = 1;
  #trying = false;
  /** The last trial showed that more than the limit only wait. */
  #proven = false;
  /** The time that gave rise to the trial, as a root, at its lowest. */
  #suspect = NaN;

  constructor(policy: ConcurrencyPolicy) {
    this.#policy = policy;
    this.#set(policy.minLimit);
  }

  /** Requests that may be under way now; 0: any number. */
  get limit(): number {
    return this.#whole;
  }

  /** Takes over a changed policy; what was learnt is kept within the new bounds. */
  apply(policy: ConcurrencyPolicy): void {
    this.#policy = policy;
    this.#trying = false;
    this.#set(this.#exact);
  }

  /** Whether one more may begin beside the `open` that are under way. Leaves nothing that has to be undone. */
  enter(open: number): boolean {
    this.#open = open;
    if (open >= this.#peak) this.#peak = open + 1;
    if (open < this.#whole || this.#whole === 0) return true;
    this.#refused = true;
    return false;
  }

  /**
   * Notes the end of one that entered.
   *
   * Shape: `ok` is false for what overload does to a request (timed out, shed by the other side), whose time says
   * nothing. An error that the application made is an answer like any other. Whoever's caller left is not reported.
   */
  leave(latencyMs: number, ok: boolean): void {
    if (!this.#policy.adaptive) return;
    if (this.#skip > 0) {
      if (--this.#skip === 0) this.#begin();
      return;
    }
    if (ok) {
      this.#samples++;
      this.#sum += Math.sqrt(latencyMs);
      this.#squares += latencyMs;
    } else this.#lost++;
    if (this.#samples + this.#lost >= this.#lookSize()) this.#look();
  }

  /**
   * Notes that the caller of one that entered has left before its answer.
   *
   * Shape: a time beyond what is normal counts as one that was seen, since overload is what makes callers leave; where
   * most leave so, as requests that were lost. A shorter one says nothing, nor does a negative one: not known.
   */
  left(waitedMs: number): void {
    if (!this.#policy.adaptive) return;
    const isShort = waitedMs < 0 || Math.sqrt(waitedMs) < this.#normal;
    if (isShort && this.#skip === 0) return;
    this.#unanswered++;
    this.leave(waitedMs, true);
  }

  #lookSize(): number {
    const whole = this.#whole;
    if (this.#starting) return Math.max(startSamples, whole);
    return Math.max(whole, Math.min(manySamples, Math.max(fewSamples, whole * roundsOfFew)));
  }

  #look(): void {
    const count = this.#samples;
    const ended = count + this.#lost;
    const lost = this.#unanswered > ended * mostShare
      ? this.#unanswered / ended
      : this.#lost < 2
      ? 0
      : this.#lost / ended;
    const mean = count > 0 ? this.#sum / count : this.#normal;
    const variance = count > 0 ? Math.max(0, this.#squares / count - mean * mean) : 0;
    // The true average is hardly lower than this.
    const surely = count > 0 ? Math.max(0, mean - 2 * Math.sqrt(variance / count)) : mean;
    const seen = { mean, surely, lost, peak: this.#peak, refused: this.#refused };
    // When a burst begins the quick answers come first, when it ends the slow ones are left: neither look is fair.
    const least = Math.min(this.#open, this.#openBefore);
    const steady = Math.max(this.#open, this.#openBefore) <= 2 * least + unsteadyFrom;
    this.#begin();
    if (this.#trying) this.#conclude(seen, steady);
    else if (steady) this.#judge(seen);
  }

  #begin(): void {
    this.#samples =
      this.#lost =
      this.#unanswered =
      this.#peak =
        0;
    this.#sum = this.#squares = 0;
    this.#refused = false;
    this.#openBefore = this.#open;
  }

  #judge({ mean, surely, lost, peak, refused }: Look): void {
    const exact = this.#exact;
    if (Number.isNaN(this.#normal)) {
      // What nobody waited for the end of is no normal time.
      if (lost > mostShare) return this.#fall(lowestKept);
      this.#normal = mean;
    }
    const lowest = exact <= this.#bottom();
    if (mean < this.#normal) this.#normal += followShorter * (mean - this.#normal);
    // Longer times are normal only where the number under way cannot be what made them so.
    else if (peak * 2 < exact || lowest) this.#normal += followLonger * (mean - this.#normal);
    if (peak * 2 < exact) return;
    if (lost > lostShare) return this.#fall(1 - lost);
    if (refused) this.#looksToTrial--;
    const room = this.#room(surely);
    const trialDue = (this.#looksToTrial <= 0 && !this.#starting) ||
      room * (this.#proven ? drift : 1) < 1;
    if (trialDue && !lowest) {
      this.#suspect = surely;
      // Half of what was used: where the limit is higher than that, half of the limit would show nothing.
      this.#try(Math.floor(Math.min(peak, exact) / 2));
    } else if (room < 1) this.#fall(room);
    else if (peak >= exact * usedShare) {
      if (this.#starting) return this.#set(exact * startGrowth);
      this.#set(exact + Math.min(this.#step, Math.sqrt(exact) / 2));
      this.#step *= stepGrowth;
    }
  }

  #try(limit: number): void {
    this.#trying = true;
    this.#skip = this.#whole;
    this.#whole = Math.max(this.#bottom(), limit);
  }

  #conclude({ mean, peak }: Look, steady: boolean): void {
    const used = steady && peak >= this.#whole * usedShare;
    this.#trying = false;
    // Answers to what began at the lower limit say nothing of the higher one.
    this.#skip = this.#whole;
    this.#looksToTrial = looksPerTrial;
    // When fewer requests came than the trial allowed, times may be short for that reason.
    if (used) {
      // What had been held for normal was overload itself, and may be so still.
      if (mean < this.#normal * clearlyShorter) this.#looksToTrial = looksToNextTrial;
      this.#normal += followTrial * (mean - this.#normal);
      const room = this.#room(this.#suspect);
      this.#proven = room < 1;
      if (this.#proven) return this.#fall(room);
    }
    this.#set(this.#exact);
  }

  /** How many times as long the answers might take. Shape: below 1 when they take too long. */
  #room(time: number): number {
    return tolerance * (this.#normal / time) ** 2;
  }

  #fall(share: number): void {
    this.#starting = false;
    this.#set(this.#exact * Math.max(lowestKept, share));
    this.#step = this.#exact * firstStepShare;
  }

  #bottom(): number {
    return Math.max(1, this.#policy.minLimit);
  }

  #set(limit: number): void {
    const { limit: most, adaptive } = this.#policy;
    if (!adaptive) {
      this.#whole = most;
      return;
    }
    this.#exact = Math.min(most > 0 ? most : Infinity, Math.max(this.#bottom(), limit));
    this.#whole = Math.floor(this.#exact);
  }
}

/** What one look saw. */
interface Look {
  readonly mean: number;
  readonly surely: number;
  readonly lost: number;
  readonly peak: number;
  readonly refused: boolean;
}
