/** What the figures of the embedded registry mean, in sentences. */
import type { MachineNoise } from "./timer_lag.ts";

/** Units: milliseconds. */
export interface Quantiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface RegistryFigures {
  /** Finds as their callers saw them, from the time each was due. */
  readonly findMs: Quantiles;
  /** A call that needs no data, seen and timed in the same way. */
  readonly noopMs: Quantiles;
  /** The registry's own part of a find. */
  readonly handleMs: Quantiles;
  readonly failures: number;
}

/** What finds have to stay below. Units: milliseconds. */
const limitMs = 5;
/** Beyond these the callers' figures say more about the machine than about the registry. */
const calmLateMs = 2;
const calmStealShare = 0.02;

export function quantiles(values: readonly number[]): Quantiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => {
    const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return Math.round(value * 100) / 100;
  };
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: at(1) };
}

/** Shape: whether the aim was met, the comparison, and what the machine did meanwhile. */
export function registryReport(figures: RegistryFigures, noise: MachineNoise): readonly string[] {
  const { findMs, noopMs, handleMs, failures } = figures;
  const late = quantiles(noise.lateMs);
  const isMet = findMs.p99 < limitMs && failures === 0;
  const parts = [
    ...(late.p99 > calmLateMs ? [`timers of an idle thread came ${late.p99} ms late (p99)`] : []),
    ...(noise.stealShare > calmStealShare
      ? [`${(noise.stealShare * 100).toFixed(0)} % of the processor time went to other guests`]
      : []),
  ];
  return [
    `Finds: p50 ${findMs.p50} ms, p99 ${findMs.p99} ms; aim: p99 below ${limitMs} ms, ` +
    `${isMet ? "met" : "missed"}${failures === 0 ? "" : ` (${failures} calls failed)`}.`,
    `A call that needs no data, in the same run: p50 ${noopMs.p50} ms, p99 ${noopMs.p99} ms. ` +
    `The registry's own part of a find: p50 ${handleMs.p50} ms, p99 ${handleMs.p99} ms.`,
    parts.length === 0
      ? `The machine was calm: timers of an idle thread came ${late.p99} ms late (p99).`
      : `The machine was noisy: ${
        parts.join("; ")
      }. Only the difference to the call that needs no ` +
        `data, and the registry's own part, say something about the registry.`,
  ];
}
