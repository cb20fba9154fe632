/** Writes the counters in the Prometheus text format. */
import { failureCodes } from "../../core/errors.ts";
import {
  blockBase,
  denialReasons,
  latencyBounds,
  retryReasons,
  slot,
  threadSlot,
} from "../../plane/counters.ts";
import type { BlockTable } from "./blocks.ts";

/** One value that is not a counter of the data threads. */
export interface Gauge {
  readonly name: string;
  readonly help: string;
  readonly type: "gauge" | "counter";
  readonly values: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

export interface MetricsInput {
  readonly blocks: BlockTable;
  /** Sum over all threads. */
  readonly counter: (slot: number) => number;
  readonly gauges: readonly Gauge[];
}

const perBlock: readonly { name: string; help: string; offset: number; type: string }[] = [
  {
    name: "mesher_attempts_total",
    help: "Attempts at endpoints.",
    offset: slot.attempts,
    type: "counter",
  },
  {
    name: "mesher_resends_total",
    help: "Requests sent again because a pooled connection had ended.",
    offset: slot.resends,
    type: "counter",
  },
  { name: "mesher_requests_open", help: "Requests under way.", offset: slot.open, type: "gauge" },
  {
    name: "mesher_request_body_bytes_total",
    help: "Bytes of request bodies taken in.",
    offset: slot.requestBytes,
    type: "counter",
  },
  {
    name: "mesher_response_body_bytes_total",
    help: "Bytes of response bodies passed on.",
    offset: slot.responseBytes,
    type: "counter",
  },
];

const perThread: readonly { name: string; help: string; offset: number; type: string }[] = [
  {
    name: "mesher_client_connections_total",
    help: "Client connections accepted.",
    offset: threadSlot.clientsAccepted,
    type: "counter",
  },
  {
    name: "mesher_client_connections",
    help: "Client connections open.",
    offset: threadSlot.clientsOpen,
    type: "gauge",
  },
  {
    name: "mesher_upstream_connections_total",
    help: "Connections to endpoints that were begun.",
    offset: threadSlot.upstreamsDialled,
    type: "counter",
  },
  {
    name: "mesher_upstream_connections_idle",
    help: "Connections to endpoints that wait for a request.",
    offset: threadSlot.upstreamsIdle,
    type: "gauge",
  },
  { name: "mesher_tunnels", help: "Tunnels open.", offset: threadSlot.tunnelsOpen, type: "gauge" },
  {
    name: "mesher_endpoint_ejections_total",
    help: "Endpoints passed over after a failed connection.",
    offset: threadSlot.endpointsEjected,
    type: "counter",
  },
  {
    name: "mesher_spliced_bytes_total",
    help: "Body bytes that went through the kernel only.",
    offset: threadSlot.splicedBytes,
    type: "counter",
  },
];

/** Cost: one pass over the blocks in use; never on a data thread. */
export function prometheusText(input: MetricsInput): string {
  const lines: string[] = [];
  const family = (name: string, type: string, help: string) =>
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
  const sample = (name: string, labels: Readonly<Record<string, string>>, value: number) => {
    const text = Object.entries(labels).map(([key, label]) => `${key}="${escapeLabel(label)}"`);
    lines.push(`${name}${text.length > 0 ? `{${text.join(",")}}` : ""} ${value}`);
  };
  const rows = input.blocks.entries().map((entry) => ({
    labels: { direction: entry.direction, service: entry.service },
    read: (offset: number) => input.counter(blockBase(entry.block) + offset),
  })).filter((row) => row.read(slot.requests) > 0);

  family("mesher_requests_total", "counter", "Requests by status class of the answer.");
  for (const row of rows) {
    for (let kind = 1; kind <= 5; kind++) {
      const value = row.read(slot.status + kind - 1);
      if (value > 0) sample("mesher_requests_total", { ...row.labels, status: `${kind}xx` }, value);
    }
  }
  family("mesher_failures_total", "counter", "Failures that the sidecar answered itself, by code.");
  for (const row of rows) {
    failureCodes.forEach((code, index) => {
      const value = row.read(slot.failure + index);
      if (value > 0) sample("mesher_failures_total", { ...row.labels, code }, value);
    });
  }
  family("mesher_retries_total", "counter", "Attempts after the first, by what made them needed.");
  for (const row of rows) {
    retryReasons.forEach((reason, index) => {
      const value = row.read(slot.retry + index);
      if (value > 0) sample("mesher_retries_total", { ...row.labels, reason }, value);
    });
  }
  family(
    "mesher_retries_denied_total",
    "counter",
    "Failures that were not tried again, by reason.",
  );
  for (const row of rows) {
    denialReasons.forEach((reason, index) => {
      const value = row.read(slot.denial + index);
      if (value > 0) sample("mesher_retries_denied_total", { ...row.labels, reason }, value);
    });
  }
  for (const { name, help, offset, type } of perBlock) {
    family(name, type, help);
    for (const row of rows) sample(name, row.labels, row.read(offset));
  }
  family("mesher_request_duration_seconds", "histogram", "From request head to the last byte.");
  for (const row of rows) {
    let sum = 0;
    latencyBounds.forEach((bound, index) => {
      sum += row.read(slot.latency + index);
      sample("mesher_request_duration_seconds_bucket", { ...row.labels, le: String(bound) }, sum);
    });
    const count = row.read(slot.latencyCount);
    sample("mesher_request_duration_seconds_bucket", { ...row.labels, le: "+Inf" }, count);
    sample("mesher_request_duration_seconds_sum", row.labels, row.read(slot.latencySum));
    sample("mesher_request_duration_seconds_count", row.labels, count);
  }
  for (const { name, help, offset, type } of perThread) {
    family(name, type, help);
    sample(name, {}, input.counter(offset));
  }
  for (const gauge of input.gauges) {
    family(gauge.name, gauge.type, gauge.help);
    for (const { labels, value } of gauge.values) sample(gauge.name, labels, value);
  }
  return lines.join("\n") + "\n";
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
