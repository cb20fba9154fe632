/** A failure as the admin API shows it. */
import type { FailureView } from "../../lib/control/api/shapes/events.ts";
import { failureTable } from "../../lib/core/errors.ts";

/** Shape: with the words of its code, and the changes in it. */
export function failureView(
  code: FailureView["code"],
  changes: Partial<FailureView> = {},
): FailureView {
  const { title, check, fault, status } = failureTable[code];
  return {
    sequence: 1,
    at: 1_700_000_000_000,
    role: "outbound",
    code,
    title,
    check,
    fault,
    status,
    method: "GET",
    target: "http://Cart/",
    service: "Cart",
    endpoint: "10.0.0.1:80",
    attempts: 1,
    detail: "10.0.0.1:80 refused the connection",
    ...changes,
  };
}
