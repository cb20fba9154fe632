/** The head of a request: request line and fields, and what they say about the body. */
import { CR, LF, SP, targetBytes, tokenBytes } from "./bytes.ts";
import { Fields, kind, MalformedHead } from "./fields.ts";

export interface HeadLimits {
  readonly to: number;
  readonly maxFields: number;
}

/** Methods that may be sent twice, RFC 9110 section 9.2.2, by name. */
const idempotent = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

/** Used again for every request of a thread. Shape: offsets into the buffer given to `parse`. */
export class RequestHead {
  readonly fields = new Fields();
  methodFrom = 0;
  methodTo = 0;
  targetFrom = 0;
  targetTo = 0;
  /** 0 or 1: HTTP/1.0 or HTTP/1.1. */
  minor = 1;
  isHead = false;
  isConnect = false;
  isOptions = false;
  isTrace = false;
  isIdempotent = false;
  /** Start and end of the field lines. */
  fieldsFrom = 0;
  end = 0;

  /** -1: chunked. Otherwise the bytes of the body that follow, 0 for none. */
  get bodyLength(): number {
    if (this.fields.chunked) return -1;
    return Math.max(0, this.fields.contentLength);
  }

  /** Whether the client wants to send another request afterwards. */
  get keepAlive(): boolean {
    const { fields } = this;
    if (fields.connectionClose) return false;
    return this.minor === 1 || fields.connectionKeepAlive;
  }

  /**
   * Parses one head.
   *
   * Shape: position after the head, or 0 when it is incomplete. Empty lines before it are skipped.
   * Errors: MalformedHead with the status to answer. Source: RFC 9112 sections 3 and 6.
   */
  parse(bytes: Uint8Array, from: number, limits: HeadLimits): number {
    const { to } = limits;
    let at = from;
    // Some clients end a body with a stray CRLF, RFC 9112 section 2.2.
    while (at + 1 < to && bytes[at] === CR && bytes[at + 1] === LF) at += 2;
    this.methodFrom = at;
    while (at < to && tokenBytes[bytes[at]!] === 1) at++;
    if (at >= to) return 0;
    if (bytes[at] !== SP || at === this.methodFrom) {
      if (bytes[at] === CR && at === this.methodFrom && at + 1 >= to) return 0;
      throw new MalformedHead("a request line without a method");
    }
    this.methodTo = at++;
    this.targetFrom = at;
    while (at < to && targetBytes[bytes[at]!] === 1) at++;
    if (at >= to) return 0;
    if (bytes[at] !== SP || at === this.targetFrom) {
      throw new MalformedHead("a request line that is not method, target and version");
    }
    this.targetTo = at++;
    if (at + 10 > to) {
      this.#checkVersionStart(bytes, at, to);
      return 0;
    }
    this.minor = version(bytes, at);
    this.fieldsFrom = at + 10;
    const end = this.fields.scan(bytes, this.fieldsFrom, limits);
    if (end === 0) return 0;
    this.end = end;
    this.#classifyMethod(bytes);
    this.#checkFraming();
    return end;
  }

  #checkVersionStart(bytes: Uint8Array, at: number, to: number): void {
    for (let index = 0; at + index < to && index < 5; index++) {
      if (bytes[at + index] !== "HTTP/".charCodeAt(index)) {
        throw new MalformedHead("a request line without an HTTP version");
      }
    }
  }

  #classifyMethod(bytes: Uint8Array): void {
    const length = this.methodTo - this.methodFrom;
    const first = bytes[this.methodFrom]!;
    this.isHead =
      this.isConnect =
      this.isOptions =
      this.isTrace =
      this.isIdempotent =
        false;
    // The two commonest methods are told by length and first letter before anything is decoded.
    if (length === 3 && first === 71 && matchesUpper(bytes, this.methodFrom, "GET")) {
      this.isIdempotent = true;
      return;
    }
    if (length === 4 && first === 80) return;
    if (length > 7) return;
    const method = String.fromCharCode(...bytes.subarray(this.methodFrom, this.methodTo));
    this.isHead = method === "HEAD";
    this.isConnect = method === "CONNECT";
    this.isOptions = method === "OPTIONS";
    this.isTrace = method === "TRACE";
    this.isIdempotent = idempotent.has(method);
  }

  #checkFraming(): void {
    const { fields } = this;
    if (fields.has(kind.transferEncoding)) {
      if (fields.contentLength !== -1) {
        throw new MalformedHead("both Transfer-Encoding and Content-Length");
      }
      if (this.minor === 0) throw new MalformedHead("Transfer-Encoding in an HTTP/1.0 request");
      if (fields.unknownCoding) {
        throw new MalformedHead("a Transfer-Encoding other than chunked", 501);
      }
    }
    if (fields.hosts > 1) throw new MalformedHead("more than one Host");
    if (fields.hosts === 0 && this.minor === 1) throw new MalformedHead("no Host");
  }
}

function matchesUpper(bytes: Uint8Array, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (bytes[at + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

/** Reads `HTTP/1.x` and its line end at a position with ten bytes after it. */
function version(bytes: Uint8Array, at: number): number {
  if (!matchesUpper(bytes, at, "HTTP/")) {
    throw new MalformedHead("a request line without an HTTP version");
  }
  const major = bytes[at + 5]! - 48, minor = bytes[at + 7]! - 48;
  if (bytes[at + 6] !== 46 || major < 0 || major > 9 || minor < 0 || minor > 9) {
    throw new MalformedHead("a request line without an HTTP version");
  }
  if (bytes[at + 8] !== CR || bytes[at + 9] !== LF) {
    throw new MalformedHead(
      bytes[at + 8] === LF ? "a bare LF in the header" : "text after the HTTP version",
    );
  }
  if (major !== 1) throw new MalformedHead(`HTTP/${major}.${minor} on an HTTP/1.1 connection`, 505);
  // A later minor version is handled as the latest known, RFC 9110 section 2.5.
  return minor === 0 ? 0 : 1;
}

/** Methods that are taken for HTTP wherever they stand, so that what is wrong behind them is answered. */
const commonMethods = new Set([...idempotent, "POST", "PATCH", "CONNECT"]);
const maxMethodBytes = 24;
/** Other protocols have no lines that are longer. */
const maxSniffedBytes = 8192;

/**
 * Whether bytes are the beginning of an HTTP/1 request; "maybe" while too few have arrived.
 *
 * Shape: a method that is not a common one counts only with target and version, since many protocols of lines begin
 * with a word and a blank.
 */
export function looksLikeRequest(
  bytes: Uint8Array,
  from: number,
  to: number,
): "yes" | "no" | "maybe" {
  let at = from;
  while (at < to && tokenBytes[bytes[at]!] === 1 && at - from < maxMethodBytes) at++;
  if (at >= to) return "maybe";
  if (at === from || bytes[at] !== SP) return "no";
  if (commonMethods.has(String.fromCharCode(...bytes.subarray(from, at)))) return "yes";
  at++;
  while (at < to && targetBytes[bytes[at]!] === 1) at++;
  if (at >= to) return to - from < maxSniffedBytes ? "maybe" : "no";
  if (bytes[at++] !== SP) return "no";
  const wanted = "HTTP/1.";
  for (let index = 0; index < wanted.length; index++) {
    if (at + index >= to) return "maybe";
    if (bytes[at + index] !== wanted.charCodeAt(index)) return "no";
  }
  return "yes";
}
