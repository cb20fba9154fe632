/** Header fields as ranges in the buffer they arrived in: scanned once, checked strictly, decoded only where needed. */
import {
  COLON,
  CR,
  decimal,
  equalsIgnoreCase,
  HTAB,
  latin1,
  LF,
  matchesAt,
  SP,
  tokenBytes,
  valueBytes,
} from "./bytes.ts";
import { badName, badValue, forEachElement, sameName } from "./field_text.ts";

/** A head that must not be forwarded. `status` is the answer to a request that has it. */
export class MalformedHead extends Error {
  constructor(message: string, readonly status = 400) {
    super(message);
  }
}

/** Fields that some decision looks at; everything else is `other` and passes untouched. */
export const kind = {
  other: 0,
  host: 1,
  connection: 2,
  contentLength: 3,
  transferEncoding: 4,
  upgrade: 5,
  keepAlive: 6,
  proxyConnection: 7,
  proxyAuthorization: 8,
  te: 9,
  expect: 10,
  cseContext: 11,
  cseSource: 12,
  forwardedPort: 13,
  forwardedHost: 14,
  forwardedFor: 15,
  forwardedProto: 16,
  hops: 17,
  unsent: 18,
  draining: 19,
  via: 20,
  /** Named in the Connection field: meant for this hop only. */
  nominated: 21,
  maxForwards: 22,
  /** What is left of the caller's time, between sidecars and for the application. */
  deadline: 23,
  /** Ids of a trace, in any of the known formats. */
  trace: 24,
  traceState: 27,
  retryAfter: 25,
  /** Replaced or removed by a rule; found when the rule is applied. */
  ruled: 26,
} as const;
export type Kind = typeof kind[keyof typeof kind];

/** Known names by their length, so that most fields are told apart without a comparison. */
const known: readonly (readonly (readonly [string, Kind])[])[] = (() => {
  const table: [string, Kind][][] = Array.from({ length: 32 }, () => []);
  const add = (name: string, value: Kind) => table[name.length]!.push([name, value]);
  add("host", kind.host);
  add("connection", kind.connection);
  add("content-length", kind.contentLength);
  add("transfer-encoding", kind.transferEncoding);
  add("upgrade", kind.upgrade);
  add("keep-alive", kind.keepAlive);
  add("proxy-connection", kind.proxyConnection);
  add("proxy-authorization", kind.proxyAuthorization);
  add("te", kind.te);
  add("expect", kind.expect);
  add("x-cse-context", kind.cseContext);
  add("x-cse-src-microservice", kind.cseSource);
  add("x-forwarded-port", kind.forwardedPort);
  add("x-forwarded-host", kind.forwardedHost);
  add("x-forwarded-for", kind.forwardedFor);
  add("x-forwarded-proto", kind.forwardedProto);
  add("x-mesher-hops", kind.hops);
  add("x-mesher-unsent", kind.unsent);
  add("x-mesher-draining", kind.draining);
  add("via", kind.via);
  add("max-forwards", kind.maxForwards);
  add("x-mesher-deadline", kind.deadline);
  add("retry-after", kind.retryAfter);
  add("tracestate", kind.traceState);
  const traceNames = ["traceparent", "b3"];
  const b3Names = ["traceid", "spanid", "parentspanid", "sampled", "flags"];
  for (const name of [...traceNames, ...b3Names.map((each) => `x-b3-${each}`)]) {
    add(name, kind.trace);
  }
  return table;
})();

/** Int32 places of one field. */
const STRIDE = 5;

/**
 * The fields of one head, used again for every head of a thread.
 *
 * Shape: all positions are offsets into the buffer given to `scan`; they end with the next scan.
 */
export class Fields {
  count = 0;
  /** -1 when there is none. */
  contentLength = -1;
  chunked = false;
  /** A transfer coding other than a lone `chunked`. */
  unknownCoding = false;
  connectionClose = false;
  connectionKeepAlive = false;
  connectionUpgrade = false;
  expectContinue = false;
  teTrailers = false;
  hosts = 0;
  /** Bit per kind that occurs. */
  #seen = 0;
  #nominations = 0;
  #data = new Int32Array(64 * STRIDE);

  nameFrom(index: number): number {
    return this.#data[index * STRIDE]!;
  }

  nameTo(index: number): number {
    return this.#data[index * STRIDE + 1]!;
  }

  valueFrom(index: number): number {
    return this.#data[index * STRIDE + 2]!;
  }

  valueTo(index: number): number {
    return this.#data[index * STRIDE + 3]!;
  }

  /** Start of the next line. */
  lineTo(index: number): number {
    return index + 1 < this.count ? this.#data[(index + 1) * STRIDE]! : this.#end;
  }

  kindOf(index: number): Kind {
    return this.#data[index * STRIDE + 4]! as Kind;
  }

  has(wanted: Kind): boolean {
    return (this.#seen & (1 << wanted)) !== 0;
  }

  /** The kinds that occur, a bit each. */
  get seen(): number {
    return this.#seen;
  }

  /** Index of the first field of a kind, -1 for none. */
  find(wanted: Kind): number {
    if (!this.has(wanted)) return -1;
    for (let index = 0; index < this.count; index++) {
      if (this.kindOf(index) === wanted) return index;
    }
    return -1;
  }

  /** Marks the fields that a rule drops. Shape: names in lower case; those that frame the message stay. */
  markRuled(bytes: Uint8Array, names: ReadonlySet<string>): void {
    for (let index = 0; index < this.count; index++) {
      const which = this.kindOf(index);
      if (
        which !== kind.other && which !== kind.trace && which !== kind.traceState &&
        which !== kind.retryAfter
      ) continue;
      const name = latin1(bytes, this.nameFrom(index), this.nameTo(index)).toLowerCase();
      if (!names.has(name)) continue;
      this.#data[index * STRIDE + 4] = kind.ruled;
      this.#seen |= 1 << kind.ruled;
    }
  }

  #end = 0;

  /**
   * Scans fields up to and with the empty line.
   *
   * Shape: position after the empty line, or 0 when it has not arrived yet.
   * Errors: MalformedHead. Source: RFC 9112 sections 2.2, 5 and 6.
   */
  scan(
    bytes: Uint8Array,
    from: number,
    { to, maxFields }: { to: number; maxFields: number },
  ): number {
    this.count = 0;
    this.contentLength = -1;
    this.chunked = this.unknownCoding = false;
    this.connectionClose = this.connectionKeepAlive = this.connectionUpgrade = false;
    this.expectContinue = this.teTrailers = false;
    this.hosts = this.#seen = this.#nominations = 0;
    let at = from;
    for (;;) {
      if (at >= to) return 0;
      if (bytes[at] === CR) {
        if (at + 1 >= to) return 0;
        if (bytes[at + 1] !== LF) throw new MalformedHead("a bare CR in the header");
        this.#end = at;
        if (this.#nominations > 0) this.#markNominated(bytes);
        return at + 2;
      }
      const nameFrom = at;
      while (at < to && tokenBytes[bytes[at]!] === 1) at++;
      if (at >= to) return 0;
      if (bytes[at] !== COLON || at === nameFrom) {
        throw new MalformedHead(badName(bytes, nameFrom, at));
      }
      const nameTo = at++;
      while (at < to && (bytes[at] === SP || bytes[at] === HTAB)) at++;
      const valueFrom = at;
      while (at < to && valueBytes[bytes[at]!] === 1) at++;
      if (at + 1 >= to) {
        if (at < to && bytes[at] !== CR) throw new MalformedHead(badValue(bytes[at]!));
        return 0;
      }
      if (bytes[at] !== CR || bytes[at + 1] !== LF) throw new MalformedHead(badValue(bytes[at]!));
      let valueTo = at;
      while (valueTo > valueFrom && (bytes[valueTo - 1] === SP || bytes[valueTo - 1] === HTAB)) {
        valueTo--;
      }
      at += 2;
      if (this.count >= maxFields) throw new MalformedHead(`more than ${maxFields} fields`, 431);
      this.#add(nameFrom, nameTo, valueFrom, valueTo);
      const which = classify(bytes, nameFrom, nameTo);
      this.#data[(this.count - 1) * STRIDE + 4] = which;
      this.#seen |= 1 << which;
      if (which !== kind.other) {
        this.#note(bytes, which, { from: valueFrom, to: valueTo });
      }
    }
  }

  #add(nameFrom: number, nameTo: number, valueFrom: number, valueTo: number): void {
    const base = this.count * STRIDE;
    if (base + STRIDE > this.#data.length) {
      const larger = new Int32Array(this.#data.length * 2);
      larger.set(this.#data);
      this.#data = larger;
    }
    const data = this.#data;
    data[base] = nameFrom;
    data[base + 1] = nameTo;
    data[base + 2] = valueFrom;
    data[base + 3] = valueTo;
    this.count++;
  }

  #note(
    bytes: Uint8Array,
    which: Kind,
    value: { readonly from: number; readonly to: number },
  ): void {
    switch (which) {
      case kind.contentLength: {
        if (this.contentLength !== -1) throw new MalformedHead("more than one Content-Length");
        const length = decimal(bytes, value.from, value.to);
        if (length < 0) throw new MalformedHead("a Content-Length that is not a plain number");
        this.contentLength = length;
        return;
      }
      case kind.transferEncoding:
        if (this.chunked || this.unknownCoding) {
          throw new MalformedHead("more than one Transfer-Encoding");
        }
        if (equalsIgnoreCase(bytes, value, "chunked")) this.chunked = true;
        else this.unknownCoding = true;
        return;
      case kind.host:
        this.hosts++;
        return;
      case kind.connection:
        this.#readConnection(bytes, value);
        return;
      case kind.expect:
        if (equalsIgnoreCase(bytes, value, "100-continue")) this.expectContinue = true;
        return;
      case kind.te:
        forEachElement(bytes, value, (from, to) => {
          if (equalsIgnoreCase(bytes, { from, to }, "trailers")) this.teTrailers = true;
        });
        return;
    }
  }

  #readConnection(bytes: Uint8Array, value: { readonly from: number; readonly to: number }): void {
    if (equalsIgnoreCase(bytes, value, "keep-alive")) {
      this.connectionKeepAlive = true;
      return;
    }
    if (equalsIgnoreCase(bytes, value, "close")) {
      this.connectionClose = true;
      return;
    }
    forEachElement(bytes, value, (from, to) => {
      const element = { from, to };
      if (equalsIgnoreCase(bytes, element, "close")) this.connectionClose = true;
      else if (equalsIgnoreCase(bytes, element, "keep-alive")) this.connectionKeepAlive = true;
      else if (equalsIgnoreCase(bytes, element, "upgrade")) this.connectionUpgrade = true;
      else this.#nominations++;
    });
  }

  /**
   * Marks the fields that Connection names. Those that frame the message or say where it goes are never given up
   * on a peer's word: dropping them would change what the message means.
   */
  #markNominated(bytes: Uint8Array): void {
    for (let index = 0; index < this.count; index++) {
      if (this.kindOf(index) !== kind.connection) continue;
      const value = { from: this.valueFrom(index), to: this.valueTo(index) };
      forEachElement(bytes, value, (from, to) => {
        for (let other = 0; other < this.count; other++) {
          if (this.kindOf(other) !== kind.other) continue;
          if (sameName(bytes, { from, to }, this.nameFrom(other), this.nameTo(other))) {
            this.#data[other * STRIDE + 4] = kind.nominated;
            this.#seen |= 1 << kind.nominated;
          }
        }
      });
    }
  }
}

function classify(bytes: Uint8Array, from: number, to: number): Kind {
  const length = to - from;
  if (length >= known.length) return kind.other;
  const candidates = known[length]!;
  for (let index = 0; index < candidates.length; index++) {
    const candidate = candidates[index]!;
    if (matchesAt(bytes, from, candidate[0])) return candidate[1];
  }
  return kind.other;
}

/**
 * Looks for the end of a head that is still arriving.
 *
 * Shape: true when an empty line stands in `bytes[from..to)`. `from` may be where the last look ended, less three.
 */
export function hasHeadEnd(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at + 1 < to; at++) {
    if (bytes[at] !== LF) continue;
    if (bytes[at + 1] === LF) return true;
    if (bytes[at + 1] === CR && at + 2 < to && bytes[at + 2] === LF) return true;
  }
  return false;
}
