/** What happens to each kind of header field on its way: tables built with the policy, looked at per field. */
import type { DataPolicy } from "../../plane/policy.ts";
import { ascii } from "../http1/bytes.ts";
import { kind } from "../http1/fields.ts";

export const keep = 0;
export const drop = 1;

export interface FieldPlan {
  /** keep or drop, by field kind. */
  readonly byKind: Uint8Array;
  /** Whether the fields that sidecars exchange are added. */
  readonly mesh: boolean;
}

export interface FieldPlans {
  readonly toService: FieldPlan;
  readonly toOutside: FieldPlan;
  readonly toApp: FieldPlan;
  readonly fromUpstream: FieldPlan;
  /** `x-cse-context` of a caller that sends none. */
  readonly context: Uint8Array | undefined;
  readonly service: string | undefined;
  readonly via: Uint8Array | undefined;
}

/** Source: RFC 9110 section 7.6.1. Upgrade is kept by the writer where a switch of protocols is asked for. */
const hopByHop = [
  kind.connection,
  kind.keepAlive,
  kind.proxyConnection,
  kind.proxyAuthorization,
  kind.te,
  kind.upgrade,
  kind.nominated,
];

function plan(mesh: boolean, dropped: readonly number[]): FieldPlan {
  const byKind = new Uint8Array(32);
  for (const which of [...hopByHop, ...dropped]) byKind[which] = drop;
  return { byKind, mesh };
}

export function fieldPlans(policy: DataPolicy): FieldPlans {
  const { service } = policy;
  return {
    // The hop count is written anew by the writer.
    toService: plan(true, [kind.hops, kind.unsent, kind.draining]),
    toOutside: plan(false, [
      kind.hops,
      kind.unsent,
      kind.draining,
      kind.cseContext,
      kind.cseSource,
    ]),
    toApp: plan(false, [kind.unsent, kind.draining]),
    fromUpstream: plan(false, [kind.unsent, kind.draining]),
    context: service === undefined
      ? undefined
      : ascii(`x-cse-context: ${JSON.stringify({ "x-cse-src-microservice": service })}\r\n`),
    service,
    via: policy.via ? ascii("Via: 1.1 mesher\r\n") : undefined,
  };
}
