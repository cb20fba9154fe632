/** Failures of the data threads as log lines: all of them at debug, the ones that need a person sooner. */
import { failureTable } from "../core/errors.ts";
import type { Logger } from "../core/ports.ts";
import type { FailureReport } from "../plane/messages.ts";

export function logFailures(
  logger: Logger,
  { failures, dropped }: { failures: readonly FailureReport[]; dropped: number },
): void {
  for (const failure of failures) {
    const { fault } = failureTable[failure.code];
    const words = `${failure.code}: ${failure.detail}`;
    const fields = {
      role: failure.role,
      status: failure.status,
      method: failure.method,
      target: failure.target,
      service: failure.service,
      endpoint: failure.endpoint,
      attempts: failure.attempts,
    };
    if (fault === "sidecar") logger.error(words, fields);
    else if (fault === "downstream") logger.info(words, fields);
    else logger.warn(words, fields);
  }
  if (dropped > 0) logger.warn(`${dropped} more failures were not logged`);
}
