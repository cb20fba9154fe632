/** What can be asked of the own application to learn whether it is up. */
import { formatHostPort } from "./address.ts";

/** One check. `host` is 127.0.0.1 when it is left out. */
export type CheckSpec =
  | { readonly type: "tcp"; readonly host?: string; readonly port: number }
  | {
    readonly type: "http";
    readonly host?: string;
    readonly port: number;
    /** Begins with a slash; a query is allowed. */
    readonly path: string;
    /** Inclusive bounds of the status that counts as passed. */
    readonly statusMin: number;
    readonly statusMax: number;
    /** Source of a regular expression that the first 64 KiB of the body have to match. */
    readonly body?: string;
  };

/** What one run of a check said; `detail` is a short reason in plain words, for passes too. */
export interface CheckOutcome {
  readonly ok: boolean;
  readonly detail: string;
}

/** Runs one check once. It settles within the time and never rejects. */
export type RunCheck = (spec: CheckSpec, timeoutMs: number) => Promise<CheckOutcome>;

/** The check in a few words, for logs and the page: `tcp 127.0.0.1:8080`. */
export function describeCheck(spec: CheckSpec): string {
  const address = formatHostPort(spec.host ?? "127.0.0.1", spec.port);
  if (spec.type === "tcp") return `tcp ${address}`;
  const status = spec.statusMin === spec.statusMax
    ? `${spec.statusMin}`
    : `${spec.statusMin}-${spec.statusMax}`;
  return `http ${address}${spec.path}=${status}`;
}
