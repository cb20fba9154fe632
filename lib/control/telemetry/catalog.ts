/** Every metric in one list: name, type and unit (by the name), words, labels with their bounds, and its source. */
import { failureCodes } from "../../core/errors.ts";
import {
  denialReasons,
  endpointStates,
  latencyBounds,
  ownBounds,
  retryReasons,
  slot,
  threadSlot,
} from "../../plane/counters.ts";
import {
  given,
  type Metric,
  mostServices,
  ofService,
  ofServiceHistogram,
  ofServiceMax,
  ofServiceRow,
  ofThreads,
} from "./metric.ts";

/**
 * By service.
 *
 * Shape: `service` is empty for hosts outside the mesh (direction `egress`) and for what belongs to no service. Hosts
 * outside are shown as one: counts, limits and budgets add up, of circuits and panics the highest value is shown.
 */
const ofServices: readonly Metric[] = [
  ofServiceRow("mesher_requests_total", "Requests by status class of the answer.", slot.status, {
    label: "status",
    values: ["1xx", "2xx", "3xx", "4xx", "5xx"],
    always: true,
  }),
  ofServiceRow(
    "mesher_failures_total",
    "Failures that the sidecar answered itself, by code.",
    slot.failure,
    { label: "code", values: failureCodes, always: false },
  ),
  ofService("mesher_attempts_total", "Attempts at endpoints.", slot.attempts),
  ofServiceRow(
    "mesher_retries_total",
    "Attempts after the first, by what made them needed.",
    slot.retry,
    { label: "reason", values: retryReasons, always: false },
  ),
  ofServiceRow(
    "mesher_retries_denied_total",
    "Failures that were not tried again, by reason.",
    slot.denial,
    { label: "reason", values: denialReasons, always: false },
  ),
  ofService(
    "mesher_resends_total",
    "Requests sent again because a pooled connection had ended.",
    slot.resends,
  ),
  ofService("mesher_requests_open", "Requests under way.", slot.open),
  ofService("mesher_requests_queued", "Requests that wait for their turn.", slot.queued),
  ofService("mesher_retry_budget", "Retries that the budget allows just now.", slot.budget),
  ofServiceMax(
    "mesher_breaker_state",
    "Circuit breaker: 0 closed (traffic flows), 1 open, 2 trying.",
    slot.breaker,
  ),
  ofService(
    "mesher_concurrency_limit",
    "Requests that may be under way at a time; 0 for no limit.",
    slot.limit,
  ),
  ofServiceMax(
    "mesher_panic",
    "1 while ejections are ignored because too many endpoints are out.",
    slot.panic,
  ),
  ofService(
    "mesher_outlier_ejections_total",
    "Endpoints of a service taken out for failing.",
    slot.ejections,
  ),
  ofService("mesher_mirrored_requests_total", "Copies of requests that were sent.", slot.mirrored),
  ofService(
    "mesher_delayed_requests_total",
    "Requests held up by a configured delay.",
    slot.delayed,
  ),
  ofService(
    "mesher_request_body_bytes_total",
    "Bytes of request bodies taken in.",
    slot.requestBytes,
  ),
  ofService(
    "mesher_response_body_bytes_total",
    "Bytes of response bodies passed on.",
    slot.responseBytes,
  ),
  ofServiceHistogram(
    "mesher_request_duration_seconds",
    "From the request's head to the last byte of its answer.",
    {
      bounds: latencyBounds,
      sum: slot.latencySum,
      count: slot.latencyCount,
      buckets: slot.latency,
    },
  ),
  ofServiceHistogram(
    "mesher_first_byte_seconds",
    "From the request's head to the first byte of its answer.",
    {
      bounds: latencyBounds,
      sum: slot.firstByteSum,
      count: slot.firstByteCount,
      buckets: slot.firstByte,
    },
  ),
  ofServiceHistogram("mesher_added_seconds", "What the sidecar itself added to a request's time.", {
    bounds: ownBounds,
    sum: slot.ownSum,
    count: slot.ownCount,
    buckets: slot.own,
  }),
];

const ofDataThreads: readonly Metric[] = [
  ofThreads(
    "mesher_client_connections_total",
    "Client connections accepted.",
    threadSlot.clientsAccepted,
  ),
  ofThreads(
    "mesher_client_connections_open",
    "Client connections open, inbound ones included.",
    threadSlot.clientsOpen,
  ),
  ofThreads(
    "mesher_inbound_connections_open",
    "Client connections open on the inbound listener.",
    threadSlot.inboundOpen,
  ),
  ofThreads(
    "mesher_upstream_connections_total",
    "Connections to endpoints that were begun.",
    threadSlot.upstreamsDialled,
  ),
  ofThreads(
    "mesher_upstream_connections_idle",
    "Connections to endpoints that wait for a request.",
    threadSlot.upstreamsIdle,
  ),
  ofThreads("mesher_tunnels_open", "Tunnels open.", threadSlot.tunnelsOpen),
  ofThreads(
    "mesher_endpoint_ejections_total",
    "Endpoints that a data thread passed over because they took no connection.",
    threadSlot.endpointsEjected,
  ),
  ofThreads(
    "mesher_spliced_bytes_total",
    "Body bytes that went through the kernel only.",
    threadSlot.splicedBytes,
  ),
  ofThreads(
    "mesher_accept_pauses_total",
    "Times that accepting stopped: a limit of connections was reached, or descriptors ran out.",
    threadSlot.acceptPauses,
  ),
  ofThreads(
    "mesher_data_loop_turns_total",
    "Turns of the data threads' event loops.",
    threadSlot.loopTurns,
  ),
];

/** What control knows. Shape: left out when nothing is handed in. */
const ofControl = [
  given("mesher_build_info", "What this build is.", { version: 1, commit: 1, runtime: 1 }),
  given("mesher_endpoints_unusable", "Instances that cannot be called, by service.", {
    service: mostServices,
  }),
  given(
    "mesher_discovery_age_seconds",
    "Since the registry last confirmed the endpoints of a service.",
    { service: mostServices, source: 2 },
  ),
  given("mesher_registry_up", "1 when the registry answered last time."),
  given("mesher_registry_answer_age_seconds", "Since the registry's last answer."),
  given("mesher_registry_watch_connected", "1 while the registry tells of changes by itself."),
  given("mesher_registered", "1 when the own instance is in the registry."),
  given(
    "mesher_heartbeat_age_seconds",
    "Since the registry took the last heartbeat of the own instance.",
  ),
  given("mesher_application_up", "1 when the own application passes its checks."),
  given("mesher_draining", "1 once the sidecar has begun to drain."),
  given("mesher_data_threads", "Threads that carry traffic."),
  given("mesher_data_threads_replaced_total", "Data threads that died and were replaced."),
  given(
    "mesher_data_thread_turn_age_seconds",
    "Since a data thread was last seen to turn its event loop; an idle one turns once a second.",
    { thread: 256 },
  ),
  given(
    "mesher_control_loop_delay_seconds",
    "Most that a timer of the control thread came late within the last minute.",
  ),
  given("mesher_configuration_revision", "Number of the configuration in force."),
  given("mesher_configuration_refused_total", "Changes of the configuration that were refused."),
  given("mesher_log_lines_dropped_total", "Log lines that standard error did not take."),
  given(
    "mesher_access_log_lines_dropped_total",
    "Lines of the access log that could not be written.",
  ),
  given(
    "mesher_records_dropped_total",
    "Reports of data threads that did not fit, by kind: failures, or requests that someone wanted to see.",
    { kind: 2 },
  ),
  given("mesher_spans_sent_total", "Spans that the collector took."),
  given(
    "mesher_spans_dropped_total",
    "Spans given up: the queue was full, the collector refused them, or it could not be reached.",
    { reason: 3 },
  ),
  given("mesher_spans_waiting", "Spans that wait to be sent."),
  given("process_cpu_seconds_total", "Processor time used by all threads."),
  given("process_resident_memory_bytes", "Memory held."),
  given("process_open_fds", "File descriptors open."),
  given("process_max_fds", "File descriptors that may be open."),
  given("process_start_time_seconds", "Start of the process since 1970."),
];

/** Metrics whose values are handed in. */
export type GaugeName = typeof ofControl[number]["name"];

/** Every metric there is, in the order in which they are printed. */
export const catalog: readonly Metric[] = [
  ...ofServices,
  {
    ...given(
      "mesher_endpoints",
      "Endpoints of a service by the worst state in which a data thread sees them.",
      // Endpoints without a slot have a state of their own.
      { service: mostServices, state: endpointStates.length + 1 },
    ),
    source: { from: "endpoints" },
  },
  ...ofDataThreads,
  ...ofControl,
  {
    ...given("mesher_metrics_series_left_out", "Series of services not shown, being too many."),
    source: { from: "rendering" },
  },
];
