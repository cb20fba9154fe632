/** Replays recorded exchanges against a registry over real sockets, on a clock that only the replay moves. */
import { assert } from "@test/assert";
import type { FakeClock } from "../support/fake_clock.ts";
import { type Captures, differences, fillIn, valueAt } from "./embedded_compare.ts";
import type { Exchange, ExpectedResponse, Frame } from "./embedded_recording.ts";
import { openSocket, request, type WireResponse, type WireSocket } from "./embedded_wire.ts";

export interface Replayed {
  readonly port: number;
  readonly clock: FakeClock;
}

/** One file's worth of state: what was captured, which sockets are open. */
export class Replay {
  readonly #captures: Captures = new Map();
  readonly #sockets = new Map<string, WireSocket>();
  readonly #opened: WireSocket[] = [];
  readonly #against: Replayed;

  constructor(against: Replayed) {
    this.#against = against;
  }

  /** Runs one exchange. Shape: what did not fit, in sentences; none when everything did. */
  async run(exchange: Exchange): Promise<string[]> {
    const { clock } = this.#against;
    if (exchange.after_ms) await clock.advance(exchange.after_ms);
    const faults: string[] = [];
    if (exchange.request) faults.push(...await this.#exchange(exchange));
    if (exchange.sendFrame) {
      await this.#socket(exchange.sendFrame.socket).send(exchange.sendFrame.text);
    }
    for (const frame of exchange.frames ?? []) faults.push(...await this.#frame(frame));
    for (const { socket, for_ms } of exchange.silent ?? []) {
      await clock.advance(for_ms);
      const frames = await this.#socket(socket).framesSoFar();
      if (frames.length > 0) faults.push(`${socket} was to be silent, but: ${frames.join(" ")}`);
    }
    for (const { socket, within_ms, code } of exchange.closed ?? []) {
      const actual = await this.#socket(socket).closeCode(within_ms);
      if (actual !== code) faults.push(`${socket} was closed with ${actual} instead of ${code}`);
    }
    return faults;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#opened) await socket[Symbol.asyncDispose]();
  }

  async #exchange(exchange: Exchange): Promise<string[]> {
    const asked = exchange.request!;
    const headers = fillIn(asked.headers ?? {}, this.#captures);
    const path = fillIn(asked.path, this.#captures);
    let actual: WireResponse;
    if (asked.upgrade) {
      const { response, socket } = await openSocket(this.#against.port, { path, headers });
      if (socket) {
        this.#opened.push(socket);
        this.#sockets.set(exchange.opens!, socket);
      }
      actual = response;
    } else {
      const body = asked.bodyText?.replace("@FILL@", "x".repeat(asked.fill ?? 0)) ??
        (asked.body === undefined ? undefined : JSON.stringify(asked.body));
      const wire = { method: asked.method, path, headers };
      actual = await request(
        this.#against.port,
        body === undefined ? wire : { ...wire, body: fillIn(body, this.#captures) },
      );
    }
    return this.#judge(exchange, actual);
  }

  #judge(exchange: Exchange, actual: WireResponse): string[] {
    const isJson = actual.headers.get("Content-Type")?.startsWith("application/json") ?? false;
    const body = actual.body === "" ? null : isJson ? JSON.parse(actual.body) : actual.body;
    const at = (where: string) =>
      where.startsWith("header:") ? actual.headers.get(where.slice(7)) : valueAt(body, where);
    for (const [name, where] of Object.entries(exchange.capture ?? {})) {
      const value = at(where);
      if (typeof value === "string") this.#captures.set(name, value);
    }
    const expected: ExpectedResponse = fillIn(exchange.response!, this.#captures);
    const volatile = new Set(exchange.volatile);
    const rules = { volatile, unordered: new Set(exchange.unordered) };
    const faults = differences(expected.body, body, rules);
    if (actual.status !== expected.status) {
      faults.unshift(`status ${actual.status} instead of ${expected.status}: ${actual.body}`);
    }
    for (const [name, value] of Object.entries(expected.headers ?? {})) {
      const found = actual.headers.get(name);
      const fits = volatile.has(`header:${name}`) ? found !== null : sameHeader(name, found, value);
      if (!fits) faults.push(`${name} is ${JSON.stringify(found)} instead of "${value}"`);
    }
    for (const [where, value] of Object.entries(exchange.differs ?? {})) {
      if (at(where) === fillIn(value, this.#captures)) faults.push(`${where} is still the same`);
    }
    return faults;
  }

  async #frame(frame: Frame): Promise<string[]> {
    const text = await this.#socket(frame.socket).nextFrame(frame.within_ms);
    const expected = fillIn(frame.body, this.#captures);
    if (typeof expected === "string") {
      return text === expected ? [] : [`frame "${text}" instead of "${expected}"`];
    }
    const rules = { volatile: new Set(frame.volatile), unordered: new Set<string>() };
    return differences(expected, JSON.parse(text), rules, "$").map((fault) => `frame ${fault}`);
  }

  #socket(name: string): WireSocket {
    const socket = this.#sockets.get(name);
    assert(socket, `no web socket "${name}" is open`);
    return socket;
  }
}

function sameHeader(name: string, actual: string | null, expected: string): boolean {
  if (name !== "Allow") return actual === expected;
  const words = (text: string | null) => (text ?? "").split(/,\s*/).sort().join();
  return words(actual) === words(expected);
}
