/** Every failure the proxy makes itself: one class, one constant table from code to answer. */

/** Who has to act on a failure; shown in logs and on the page. */
export type Fault = "downstream" | "mesh" | "upstream" | "sidecar";

export type FailureCode =
  | "destination_invalid"
  | "request_malformed"
  | "request_denied"
  | "route_not_found"
  | "service_unknown"
  | "registry_unavailable"
  | "no_endpoint"
  | "circuit_open"
  | "concurrency_limit"
  | "rate_limited"
  | "local_port_missing"
  | "connect_refused"
  | "reset"
  | "connect_timeout"
  | "response_timeout"
  | "tls_failed"
  | "protocol_error"
  | "loop_detected"
  | "fault_injected"
  | "internal"
  | "client_gone";

export interface FailureRow {
  /** Error type of the Proxy-Status field. */
  readonly proxyError: string;
  readonly status: number;
  readonly grpcStatus: number;
  readonly fault: Fault;
  readonly title: string;
  /** What a reader of the answer should look at first. */
  readonly check: string;
}

/**
 * The one table: failure code to status, Proxy-Status type and words.
 *
 * Shape: constant; the order of its keys is the order of the metric slots (plane/counters.ts).
 * Source: RFC 9209 section 2.3 for the error types.
 */
export const failureTable = {
  destination_invalid: {
    proxyError: "http_request_error",
    status: 400,
    grpcStatus: 3,
    fault: "downstream",
    title: "The request names no usable destination",
    check:
      "Send the request through http_proxy with an absolute http:// URL, or with a Host header.",
  },
  request_malformed: {
    proxyError: "http_request_error",
    status: 400,
    grpcStatus: 3,
    fault: "downstream",
    title: "The request is not valid HTTP",
    check: "Look at the client that sent it; the detail says which part was refused.",
  },
  request_denied: {
    proxyError: "http_request_denied",
    status: 403,
    grpcStatus: 7,
    fault: "downstream",
    title: "The request is not allowed",
    check: "Look at the egress and access rules of this sidecar.",
  },
  route_not_found: {
    proxyError: "destination_not_found",
    status: 404,
    grpcStatus: 5,
    fault: "mesh",
    title: "No route matches the request",
    check: "Look at the route table of the edge configuration.",
  },
  service_unknown: {
    proxyError: "destination_not_found",
    status: 503,
    grpcStatus: 14,
    fault: "mesh",
    title: "The registry does not know this service",
    check:
      "Compare the host name with the service names in the registry, and the app and environment.",
  },
  registry_unavailable: {
    proxyError: "destination_unavailable",
    status: 503,
    grpcStatus: 14,
    fault: "mesh",
    title: "The registry did not answer and nothing is known about this service yet",
    check: "Look at the registry address and whether the registry runs.",
  },
  no_endpoint: {
    proxyError: "destination_unavailable",
    status: 503,
    grpcStatus: 14,
    fault: "mesh",
    title: "The service has no usable endpoint",
    check: "Look at the instances of the service: none is up, or none speaks http (rest).",
  },
  circuit_open: {
    proxyError: "destination_unavailable",
    status: 503,
    grpcStatus: 14,
    fault: "mesh",
    title: "Calls to the service are stopped for a while because too many failed",
    check: "Look at the failures of the service; calls resume by themselves.",
  },
  concurrency_limit: {
    proxyError: "connection_limit_reached",
    status: 503,
    grpcStatus: 8,
    fault: "mesh",
    title: "Too many requests are open at once",
    check: "Look at the limits of the configuration and at how long the service takes to answer.",
  },
  rate_limited: {
    proxyError: "http_request_denied",
    status: 429,
    grpcStatus: 8,
    fault: "mesh",
    title: "The rate limit is used up",
    check: "Send more slowly; Retry-After says when to come back.",
  },
  local_port_missing: {
    proxyError: "destination_unavailable",
    status: 503,
    grpcStatus: 14,
    fault: "mesh",
    title: "The provider's sidecar has no such application port",
    check: "Set MESHER_PORTS of the provider's sidecar, for example rest:8080.",
  },
  connect_refused: {
    proxyError: "connection_refused",
    status: 502,
    grpcStatus: 14,
    fault: "upstream",
    title: "The endpoint refused the connection",
    check: "Look whether the program behind the endpoint runs and listens on that port.",
  },
  reset: {
    proxyError: "connection_terminated",
    status: 502,
    grpcStatus: 14,
    fault: "upstream",
    title: "The endpoint closed the connection before it had answered",
    check: "Look at the log of the program behind the endpoint at this moment.",
  },
  connect_timeout: {
    proxyError: "connection_timeout",
    status: 504,
    grpcStatus: 14,
    fault: "upstream",
    title: "The endpoint could not be reached in time",
    check: "Look at the network between here and the endpoint, and whether its host is up.",
  },
  response_timeout: {
    proxyError: "http_response_timeout",
    status: 504,
    grpcStatus: 4,
    fault: "upstream",
    title: "The endpoint took the request but did not answer in time",
    check: "Look at what the program behind the endpoint is busy with.",
  },
  tls_failed: {
    proxyError: "tls_certificate_error",
    status: 502,
    grpcStatus: 14,
    fault: "upstream",
    title: "No secure connection to the endpoint could be made",
    check: "Look at the certificates of both sides and their validity.",
  },
  protocol_error: {
    proxyError: "http_protocol_error",
    status: 502,
    grpcStatus: 13,
    fault: "upstream",
    title: "The endpoint's answer is not valid HTTP",
    check: "Look at the program behind the endpoint; the detail says which part was refused.",
  },
  loop_detected: {
    proxyError: "proxy_loop_detected",
    status: 508,
    grpcStatus: 13,
    fault: "mesh",
    title: "The request would go round in circles",
    check:
      "Look whether a service calls itself, or an application port is one of the sidecar's own.",
  },
  fault_injected: {
    proxyError: "proxy_internal_response",
    status: 503,
    grpcStatus: 14,
    fault: "mesh",
    title: "A configured fault was injected",
    check: "Look at the fault rules of the configuration.",
  },
  internal: {
    proxyError: "proxy_internal_error",
    status: 500,
    grpcStatus: 13,
    fault: "sidecar",
    title: "The sidecar failed",
    check: "Look at the log of the sidecar; this is a bug worth reporting.",
  },
  client_gone: {
    proxyError: "connection_terminated",
    status: 499,
    grpcStatus: 1,
    fault: "downstream",
    title: "The client went away",
    check: "Look at the client's own timeout.",
  },
} as const satisfies Record<FailureCode, FailureRow>;

/** All codes in table order. */
export const failureCodes = Object.keys(failureTable) as readonly FailureCode[];

export interface MeshErrorOptions {
  /** Whether any byte of the request may have reached the upstream. */
  readonly reachedUpstream?: boolean;
  /** `host:port` of the endpoint that was tried. */
  readonly endpoint?: string;
  /** Overrides the status of the table where one code has several (413, 414, 431, 501, 505, 408). */
  readonly status?: number;
  /** When another try may succeed, for Retry-After. Units: milliseconds. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** A failure with its code; the message is one plain sentence on what happened. */
export class MeshError extends Error {
  override readonly name = "MeshError";
  readonly code: FailureCode;
  readonly reachedUpstream: boolean;
  readonly endpoint: string | undefined;
  readonly status: number;
  readonly retryAfterMs: number | undefined;

  constructor(code: FailureCode, detail: string, options: MeshErrorOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.reachedUpstream = options.reachedUpstream ?? false;
    this.endpoint = options.endpoint;
    this.status = options.status ?? failureTable[code].status;
    this.retryAfterMs = options.retryAfterMs;
  }
}
