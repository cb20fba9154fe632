/** The head of a response: status line and fields, and where the body ends. */
import { CR, LF, SP, valueBytes } from "./bytes.ts";
import { Fields, kind, MalformedHead } from "./fields.ts";
import type { HeadLimits } from "./request_head.ts";

/** How the end of a response body is found. `none`: no body at all. */
export type BodyEnd = "none" | "length" | "chunked" | "close";

/** Used again for every response of a thread. Shape: offsets into the buffer given to `parse`. */
export class ResponseHead {
  readonly fields = new Fields();
  status = 0;
  minor = 1;
  /** From the blank before the reason to the end of the line. */
  reasonFrom = 0;
  reasonTo = 0;
  fieldsFrom = 0;
  end = 0;

  /**
   * Parses one head.
   *
   * Shape: position after the head, or 0 when it is incomplete.
   * Errors: MalformedHead. Source: RFC 9112 section 4.
   */
  parse(bytes: Uint8Array, from: number, limits: HeadLimits): number {
    const { to } = limits;
    const start = "HTTP/1.";
    for (let index = 0; index < start.length; index++) {
      if (from + index >= to) return 0;
      if (bytes[from + index] !== start.charCodeAt(index)) {
        throw new MalformedHead("an answer that does not begin with HTTP/1");
      }
    }
    if (from + 13 > to) return 0;
    const minor = bytes[from + 7]! - 48;
    if (minor < 0 || minor > 9 || bytes[from + 8] !== SP) {
      throw new MalformedHead("a status line without a version");
    }
    this.minor = minor === 0 ? 0 : 1;
    let status = 0;
    for (let index = 9; index < 12; index++) {
      const digit = bytes[from + index]! - 48;
      if (digit < 0 || digit > 9) throw new MalformedHead("a status that is not three digits");
      status = status * 10 + digit;
    }
    if (status < 100 || status > 599) throw new MalformedHead(`the status ${status}`);
    this.status = status;
    let at = from + 12;
    if (bytes[at] !== SP && bytes[at] !== CR) {
      throw new MalformedHead("a status that is not three digits");
    }
    this.reasonFrom = at;
    while (at < to && valueBytes[bytes[at]!] === 1) at++;
    if (at + 1 >= to) {
      if (at < to && bytes[at] !== CR) throw new MalformedHead("a control character in the reason");
      return 0;
    }
    if (bytes[at] !== CR || bytes[at + 1] !== LF) {
      throw new MalformedHead("a status line that does not end in CR LF");
    }
    this.reasonTo = at;
    this.fieldsFrom = at + 2;
    const end = this.fields.scan(bytes, this.fieldsFrom, limits);
    if (end === 0) return 0;
    this.end = end;
    this.#checkFraming();
    return end;
  }

  #checkFraming(): void {
    const { fields } = this;
    if (!fields.has(kind.transferEncoding)) return;
    // Whoever believes the other of the two sees another message: never passed on.
    if (fields.contentLength !== -1) {
      throw new MalformedHead("both Transfer-Encoding and Content-Length");
    }
    if (fields.unknownCoding) throw new MalformedHead("a Transfer-Encoding other than chunked");
    if (this.minor === 0) throw new MalformedHead("Transfer-Encoding in an HTTP/1.0 answer");
  }

  /** Source: RFC 9112 section 6.3. */
  bodyEnd(requestWasHead: boolean): BodyEnd {
    if (requestWasHead || this.status < 200 || this.status === 204 || this.status === 304) {
      return "none";
    }
    if (this.fields.chunked) return "chunked";
    if (this.fields.contentLength >= 0) return this.fields.contentLength === 0 ? "none" : "length";
    return "close";
  }

  /** Whether the upstream will take another request on this connection. */
  get keepAlive(): boolean {
    const { fields } = this;
    if (fields.connectionClose) return false;
    return this.minor === 1 || fields.connectionKeepAlive;
  }
}
