/** What happens to each kind of header field on its way: sets built with the policy, looked at per request. */
import type { DataPolicy } from "../../plane/policy.ts";
import { ascii } from "../http1/bytes.ts";
import { type KindSet, kindSet } from "../http1/copy_fields.ts";
import { kind } from "../http1/fields.ts";

export interface FieldPlan {
  readonly dropped: KindSet;
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
const hopByHop = kindSet(
  kind.connection,
  kind.keepAlive,
  kind.proxyConnection,
  kind.proxyAuthorization,
  kind.te,
  kind.upgrade,
  kind.nominated,
);

/** What sidecars tell each other about one exchange; it never goes further. */
const betweenSidecars = kindSet(kind.unsent, kind.draining);

export function fieldPlans(policy: DataPolicy): FieldPlans {
  const { service } = policy;
  return {
    toService: {
      // The hop count and the caller's name are written anew.
      dropped: hopByHop | betweenSidecars | kindSet(kind.hops, kind.deadline) |
        (service === undefined ? 0 : kindSet(kind.cseContext)),
      mesh: true,
    },
    toOutside: {
      dropped: hopByHop | betweenSidecars |
        kindSet(kind.hops, kind.cseContext, kind.cseSource, kind.deadline),
      mesh: false,
    },
    toApp: { dropped: hopByHop | betweenSidecars | kindSet(kind.deadline), mesh: false },
    fromUpstream: { dropped: hopByHop | betweenSidecars, mesh: false },
    context: service === undefined
      ? undefined
      : ascii(`x-cse-context: ${JSON.stringify({ "x-cse-src-microservice": service })}\r\n`),
    service,
    via: policy.via ? ascii("Via: 1.1 mesher\r\n") : undefined,
  };
}
