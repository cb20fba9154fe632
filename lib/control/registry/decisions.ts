/** What the outcome of a call to a Service Center means for the client: the one table of decisions. */

/** What was asked, as far as the meaning of an answer depends on it. */
export type CallKind =
  | "existence"
  | "create_service"
  | "own_service"
  | "properties"
  | "schemas"
  | "cluster"
  | "register"
  | "own_instance"
  | "heartbeat"
  | "status"
  | "deregister"
  | "find"
  | "batch_find"
  | "names"
  | "readiness"
  | "token"
  | "watch";

export type Outcome =
  /** `errorCode` is the registry's own, absent when the body had none. */
  | { readonly kind: "answer"; readonly status: number; readonly errorCode?: string }
  /** A refused or cut connection, or no answer in time. */
  | { readonly kind: "silence" }
  /** The watch was closed by the other side. */
  | { readonly kind: "watch_closed" }
  /** Neither an event nor a ping came for longer than the registry's pings are apart. */
  | { readonly kind: "watch_silent" }
  /** The own service was created anew, after which the watch of the old one hears nothing. */
  | { readonly kind: "own_service_anew" };

export type Decision =
  /** Success, or as good as that. */
  | "take"
  /** Nothing changed: what is known counts as fresh. */
  | "keep"
  | "create_service"
  /** Fetch a token, and ask once more with it. */
  | "renew_token"
  /** Report it and do not ask again for minutes. */
  | "hold"
  /** The lease is lost: register the instance again under its id, and keep serving. */
  | "register_again"
  /** The service is lost: create it again, then register the instance. */
  | "recreate_service"
  /** Either the own service or the asked one is unknown; the next question tells which. */
  | "check_own_service"
  /** Report the detail and do not repeat it unchanged. */
  | "refuse"
  /** One of several names was refused: ask them one by one, leave the refused out from then on. */
  | "ask_singly"
  /** The registry is in trouble: another address, exponential back-off, and keep what is known. */
  | "other_address"
  /** This registry does not have that: remember it and do without. */
  | "feature_absent"
  /** Connect again after a growing pause, and pull once. */
  | "reconnect";

interface Row {
  /** Left out: every call. */
  readonly calls?: readonly CallKind[];
  readonly outcomes?: readonly Outcome["kind"][];
  readonly codes?: readonly string[];
  readonly status?: (status: number) => boolean;
  readonly decision: Decision;
}

const is = (...wanted: readonly number[]) => (status: number) => wanted.includes(status);
const optional = ["batch_find", "readiness", "token", "watch", "schemas", "cluster"] as const;

/** The first row that fits decides. */
const table: readonly Row[] = [
  { status: (status) => status >= 200 && status < 300, decision: "take" },
  { calls: ["watch"], status: is(101), decision: "take" },
  { status: is(304), decision: "keep" },
  { calls: ["token"], status: is(401, 403), decision: "hold" },
  { status: is(401), decision: "renew_token" },
  { status: is(403), decision: "hold" },
  { calls: ["existence"], codes: ["400012", "400026"], decision: "create_service" },
  { calls: ["deregister", "own_instance"], codes: ["400012", "400017"], decision: "take" },
  { calls: ["heartbeat", "status"], codes: ["400017"], decision: "register_again" },
  {
    calls: ["heartbeat", "status", "register", "own_service", "properties", "schemas"],
    codes: ["400012"],
    decision: "recreate_service",
  },
  { calls: ["find", "batch_find"], codes: ["400012"], decision: "check_own_service" },
  { calls: ["batch_find"], codes: ["400001"], decision: "ask_singly" },
  { codes: ["400100"], decision: "hold" },
  { calls: optional, status: is(404, 405, 501), decision: "feature_absent" },
  { status: (status) => status === 429 || status >= 500, decision: "other_address" },
  // A refused upgrade comes as plain text, so no code can be expected of it.
  { calls: ["watch"], status: (status) => status >= 400, decision: "refuse" },
  { outcomes: ["silence"], decision: "other_address" },
  { outcomes: ["watch_closed", "watch_silent", "own_service_anew"], decision: "reconnect" },
  // Text where the registry's own words are due: something else answers at that address.
  { outcomes: ["answer"], codes: [""], decision: "other_address" },
];

/**
 * Says what to do.
 *
 * Shape: pure. Only the status and the error code count; the texts vary from release to release.
 */
export function decide(call: CallKind, outcome: Outcome): Decision {
  const status = outcome.kind === "answer" ? outcome.status : undefined;
  const code = outcome.kind === "answer" ? outcome.errorCode ?? "" : undefined;
  const row = table.find((one) =>
    (one.calls === undefined || one.calls.includes(call)) &&
    (one.outcomes === undefined || one.outcomes.includes(outcome.kind)) &&
    (one.codes === undefined || (code !== undefined && one.codes.includes(code))) &&
    (one.status === undefined || (status !== undefined && one.status(status)))
  );
  return row?.decision ?? "refuse";
}
