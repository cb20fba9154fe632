/** Spans as Zipkin takes them: its API of version 2, in JSON. */
import { isIpv4 } from "../../core/address.ts";
import type { Span } from "./spans.ts";

/** Their tags say nothing that the span's own members do not. */
const asMembers = new Set(["peer.service", "network.peer.address", "network.peer.port"]);

/** The body of a POST to /api/v2/spans. Source: Zipkin API v2, list of spans. */
export function zipkinBody(service: string, spans: readonly Span[]): string {
  return JSON.stringify(spans.map((span) => zipkinSpan(service, span)));
}

function zipkinSpan(service: string, span: Span): unknown {
  const { attributes } = span;
  const tags: Record<string, string> = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (!asMembers.has(name)) tags[name] = String(value);
  }
  if (span.error !== undefined) tags["error"] = span.error;
  const remote = span.kind === "client"
    ? endpoint(
      attributes["peer.service"],
      attributes["network.peer.address"],
      attributes["network.peer.port"],
    )
    : endpoint(
      attributes["mesher.caller"],
      attributes["client.address"],
      attributes["client.port"],
    );
  return {
    traceId: span.traceId,
    id: span.spanId,
    ...(span.parentId === undefined ? {} : { parentId: span.parentId }),
    // There is no word for internal ones; they have none.
    ...(span.kind === "internal" ? {} : { kind: span.kind.toUpperCase() }),
    name: span.name.toLowerCase(),
    timestamp: Math.round(span.startMs * 1000),
    duration: Math.max(1, Math.round((span.endMs - span.startMs) * 1000)),
    localEndpoint: { serviceName: service },
    ...(remote === undefined ? {} : { remoteEndpoint: remote }),
    tags,
  };
}

function endpoint(name: unknown, host: unknown, port: unknown): unknown {
  const address = typeof host === "string" ? host : "";
  const found = {
    ...(typeof name === "string" ? { serviceName: name } : {}),
    ...(isIpv4(address) ? { ipv4: address } : address.includes(":") ? { ipv6: address } : {}),
    ...(typeof port === "number" && port > 0 ? { port } : {}),
  };
  return Object.keys(found).length === 0 ? undefined : found;
}
