/** Traffic policies as plain values: how calls to a service are balanced, tried again, protected and routed. */

/** What a hash, a sticky share or a limit is taken over. `source`: the peer's address. `caller`: its service name. */
export type TrafficKey =
  | { readonly kind: "header"; readonly name: string }
  | { readonly kind: "cookie"; readonly name: string }
  | { readonly kind: "source" }
  | { readonly kind: "caller" };

export const balancerKinds = [
  "round_robin",
  "random",
  "least_request",
  "peak_ewma",
  "weighted_response",
  "sticky",
  "consistent_hash",
] as const;
export type BalancerKind = typeof balancerKinds[number];

/** Units: every `Ms` is milliseconds; every `Share` is in [0, 1]. */
export interface BalancePolicy {
  readonly kind: BalancerKind;
  /** consistent_hash only; requests without the key are balanced by least_request. */
  readonly hashOn: TrafficKey;
  /** A newcomer's weight grows over this time from its first successful answer on; 0: at once. */
  readonly slowStartMs: number;
  /** Whether endpoints of the own zone, then region, come first; the rest takes what they cannot carry. */
  readonly locality: "off" | "prefer";
  /** How fast peak_ewma forgets. */
  readonly decayMs: number;
  /** sticky only: how long an unused binding is kept, and failures in a row that end it. */
  readonly stickyIdleMs: number;
  readonly stickyFailures: number;
}

/** Passive detection of endpoints that fail while they still answer connections. */
export interface OutlierPolicy {
  readonly enabled: boolean;
  /** Connect failures, resets, timeouts and 502 to 504 in a row. */
  readonly consecutiveFailures: number;
  /** Ejected below this share of successes when the rest of the cluster does clearly better. */
  readonly successShare: number;
  readonly minRequests: number;
  readonly windowMs: number;
  /** Time out of the first ejection; doubles with each that follows soon, up to the longest. */
  readonly baseEjectMs: number;
  readonly maxEjectMs: number;
  /** Share of a cluster's endpoints that may be ejected at a time; one of two always may. */
  readonly maxEjectedShare: number;
  /** Below this share of healthy endpoints ejections are ignored and all are balanced over; 0: never. */
  readonly panicShare: number;
}

export interface RetryPolicy {
  /** Attempts in all, the first included. */
  readonly maxAttempts: number;
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  /** Retries allowed as a share of requests, and per second on top. */
  readonly budgetRatio: number;
  readonly budgetPerSecond: number;
  /** Answers that are worth another attempt of an idempotent request. */
  readonly statuses: readonly number[];
  /** Time for one attempt's response head; 0: whatever is left of the request's. */
  readonly perTryMs: number;
  /** Sends idempotent requests a second time when they take longer than the observed p95. */
  readonly hedge: boolean;
}

/** Off by default. Counts what the cluster answers as a whole. */
export interface BreakerPolicy {
  readonly enabled: boolean;
  readonly windowMs: number;
  readonly minRequests: number;
  readonly errorShare: number;
  readonly openMs: number;
  /** For people at a switch: overrules what is measured. */
  readonly force: "none" | "open" | "closed";
}

export interface ConcurrencyPolicy {
  /** Requests under way at a time; 0: no limit. With `adaptive` the upper bound. */
  readonly limit: number;
  /** Finds the limit by the gradient of the response time, between `minLimit` and `limit`. */
  readonly adaptive: boolean;
  readonly minLimit: number;
  /** Requests that may wait for their turn, and how long each. 0: none waits. */
  readonly queue: number;
  readonly queueMs: number;
}

/** A token bucket. */
export interface RateLimit {
  readonly name: string;
  /** Undefined: every request. */
  readonly match?: RequestMatch;
  /** One bucket per value of the key; undefined: one for all. */
  readonly per?: TrafficKey;
  readonly perSecond: number;
  readonly burst: number;
}

/** Tests a text. Several members: all of them. A value that is no whole number fits no comparison of numbers. */
export interface TextMatch {
  readonly exact?: string;
  readonly prefix?: string;
  readonly suffix?: string;
  readonly contains?: string;
  /** Searched anywhere unless it is anchored. */
  readonly regex?: string;
  readonly not?: string;
  readonly less?: number;
  readonly atMost?: number;
  readonly greater?: number;
  readonly atLeast?: number;
  readonly present?: boolean;
  readonly ignoreCase?: boolean;
}

/** Which requests something is for. Every member that is there has to fit; `any` means one of these as well. */
export interface RequestMatch {
  readonly methods?: readonly string[];
  /** Of the path without the query. */
  readonly path?: TextMatch;
  readonly headers?: readonly { readonly name: string; readonly value: TextMatch }[];
  readonly cookies?: readonly { readonly name: string; readonly value: TextMatch }[];
  readonly queries?: readonly { readonly name: string; readonly value: TextMatch }[];
  /** Names of calling services. */
  readonly callers?: readonly string[];
  /** Share of requests, in [0, 1]; by the hash of `sticky` where given, else at random. */
  readonly share?: number;
  readonly sticky?: TrafficKey;
  readonly any?: readonly RequestMatch[];
}

/** Instance tags an endpoint has to have. `version` compares with the version, all else with instance properties. */
export type SubsetTags = Readonly<Record<string, string>>;

export interface RouteTarget {
  /** Another service than the one called; undefined: the same. */
  readonly service?: string;
  readonly subset?: SubsetTags;
  /** Relative to the other targets of the rule. */
  readonly weight: number;
}

/** Units: milliseconds; shares in [0, 1]. */
export interface FaultPolicy {
  readonly delay?: { readonly ms: number; readonly share: number };
  readonly abort?: { readonly status: number; readonly share: number };
}

export interface HeaderChanges {
  readonly set?: Readonly<Record<string, string>>;
  readonly add?: Readonly<Record<string, string>>;
  readonly remove?: readonly string[];
}

export interface PathRewrite {
  /** Replaces the matched prefix of the path. */
  readonly prefix?: { readonly from: string; readonly to: string };
  /** Replaces the first match; `$1` and so on stand for its groups. */
  readonly regex?: { readonly pattern: string; readonly to: string };
}

/** The first rule that fits decides; a request that fits none goes to all endpoints of its service. */
export interface RouteRule {
  readonly name: string;
  readonly match?: RequestMatch;
  /** Empty: all endpoints of the service called. */
  readonly targets: readonly RouteTarget[];
  /** Keeps whoever has the same key on the same target; undefined: by weight alone. */
  readonly sticky?: TrafficKey;
  readonly timeoutMs?: number;
  readonly retry?: Partial<RetryPolicy>;
  readonly fault?: FaultPolicy;
  /** Sends copies of this share of requests and throws their answers away. */
  readonly mirror?: {
    readonly service?: string;
    readonly subset?: SubsetTags;
    readonly share: number;
  };
  readonly path?: PathRewrite;
  readonly requestHeaders?: HeaderChanges;
  readonly responseHeaders?: HeaderChanges;
  /** Answers instead of sending; `$path` in the location stands for path and query. */
  readonly redirect?: { readonly status: number; readonly location: string };
  readonly rateLimits?: readonly RateLimit[];
}

/** Everything that holds for calls to one service; complete, never a part. */
export interface ServicePolicy {
  readonly balance: BalancePolicy;
  readonly outlier: OutlierPolicy;
  readonly retry: RetryPolicy;
  /** From the last request byte to the response head, over all attempts. */
  readonly responseMs: number;
  readonly breaker: BreakerPolicy;
  readonly concurrency: ConcurrencyPolicy;
  readonly rateLimits: readonly RateLimit[];
  readonly fault?: FaultPolicy;
  readonly routes: readonly RouteRule[];
}

/** Everything that holds for calls from others to the own application. */
export interface InboundPolicy {
  readonly concurrency: ConcurrencyPolicy;
  readonly rateLimits: readonly RateLimit[];
  readonly fault?: FaultPolicy;
}

/** One rule on hosts outside the mesh; the first that fits decides. */
export interface EgressRule {
  /** Host names, exact or with one leading `*.`. */
  readonly hosts: readonly string[];
  /** Empty: every port. */
  readonly ports: readonly number[];
  readonly action: "allow" | "deny";
}

export interface EgressPolicy {
  /** For hosts that fit no rule. */
  readonly otherwise: "allow" | "deny";
  readonly rules: readonly EgressRule[];
}

export interface TrafficPolicy {
  readonly fallback: ServicePolicy;
  /** By service name as the registry spells it; each complete. */
  readonly services: Readonly<Record<string, ServicePolicy>>;
  readonly inbound: InboundPolicy;
  readonly egress: EgressPolicy;
  /** The own place, for locality. */
  readonly zone?: string;
  readonly region?: string;
}
