/** The answers that mesher gives itself: one shape for every failure, plain words for who reads it. */
import { failureTable, type MeshError } from "../../core/errors.ts";
import { ascii, type Writer } from "../http1/bytes.ts";
import { formatRetryAfter } from "../resilience/retry_after.ts";

const reasons: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  408: "Request Timeout",
  413: "Content Too Large",
  414: "URI Too Long",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
  508: "Loop Detected",
};

export interface FailureOptions {
  /** What to tell the client of its connection; none says nothing. */
  readonly connection: "close" | "keep-alive" | "none";
  readonly draining: boolean;
  /** Tells the caller's sidecar that the failure is not the application's answer, and whether that saw the request. */
  readonly forPeer: "unsent" | "cut" | "none";
  readonly requestWasHead: boolean;
}

/**
 * Composes the whole answer to a failure.
 *
 * Source: RFC 9209 for Proxy-Status, RFC 9457 for the body.
 */
export function writeFailure(writer: Writer, error: MeshError, options: FailureOptions): void {
  const row = failureTable[error.code];
  const body = ascii(
    JSON.stringify({
      title: row.title,
      status: error.status,
      code: error.code,
      detail: sentence(error.message),
      check: row.check,
    }) + "\n",
  );
  writer.text(`HTTP/1.1 ${error.status} ${reasons[error.status] ?? "Error"}\r\n`);
  writer.text(`Proxy-Status: mesher; error=${row.proxyError}; details="${error.code}"\r\n`);
  writer.text(`Content-Type: application/problem+json\r\nContent-Length: ${body.length}\r\n`);
  if (error.status === 429 || error.status === 503) {
    writer.text(`Retry-After: ${formatRetryAfter(error.retryAfterMs ?? 1000)}\r\n`);
  }
  if (options.forPeer !== "none") {
    writer.text(`x-mesher-unsent: ${options.forPeer === "unsent" ? 1 : 0}\r\n`);
  }
  if (options.draining) writer.text("x-mesher-draining: 1\r\n");
  if (options.connection !== "none") writer.text(`Connection: ${options.connection}\r\n`);
  writer.text("\r\n");
  if (!options.requestWasHead) writer.all(body);
}

function sentence(text: string): string {
  return text === "" ? "" : `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}
