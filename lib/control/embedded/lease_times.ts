/** How long a lease lasts: from the health check an instance asks for. */
import type { HealthCheck } from "./records.ts";

const minIntervalSeconds = 5;
const minTimes = 3;

/**
 * The health check as it is stored.
 *
 * Shape: pushed heartbeats are not taken more often than every 5 s and may fail at least three times, so no lease is
 * shorter than 20 s; whoever is polled from outside gets 30 s and 3 times whatever it asked for.
 */
export function leaseTimes(asked: HealthCheck): HealthCheck {
  if (asked.mode === "pull") return { ...asked, intervalSeconds: 30, times: 3 };
  return {
    ...asked,
    intervalSeconds: Math.max(minIntervalSeconds, asked.intervalSeconds),
    times: Math.max(minTimes, asked.times),
  };
}

/** The life of a lease after each heartbeat. */
export function ttlMs(check: HealthCheck): number {
  return check.intervalSeconds * (check.times + 1) * 1000;
}
