/** One call to a Service Center: address rotation, token, own timeout, bounded answer, error codes. */
import type { Clock, Fetch, Probe, Random } from "../../core/ports.ts";
import { AddressPlaces, type Place } from "./address_places.ts";
import { AddressWatcher } from "./address_watcher.ts";
import { AddressRing } from "./addresses.ts";
import { DeadlineError, withDeadline } from "./deadline.ts";
import { type CallKind, decide, type Decision } from "./decisions.ts";
import { RegistryError } from "./registry.ts";
import { parseJson, readBounded, readError } from "./service_center_body.ts";
import type { RegistrySigns } from "./signs.ts";
import type { TokenSource } from "./token.ts";

export interface HttpOptions {
  /** Base addresses such as `http://10.0.0.9:30100`, without a trailing slash. */
  readonly addresses: readonly string[];
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly random: Random;
  /** Index of the address to begin with. */
  readonly start: number;
  readonly project: string;
  readonly domain: string;
  /** One try at one address. */
  readonly timeoutMs: number;
  readonly isolateMs: number;
  /** Where the registry checks who asks. */
  readonly tokens?: TokenSource;
  /** Asks an address that has no readiness page; without it isolation just ends after its time. */
  readonly probe?: Probe;
  readonly signs: RegistrySigns;
  /** Where this process runs: addresses of the registry that are near come first. */
  readonly place?: Place;
  /** Ends all calls for good. */
  readonly closed: AbortSignal;
}

export interface Call {
  readonly kind: CallKind;
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Below the registry's base path, query included, beginning with a slash. */
  readonly path: string;
  readonly body?: unknown;
  /** The caller's own service id. */
  readonly consumerId?: string;
  readonly maxBytes?: number;
}

/** A definite answer. `body` is undefined when there was none. */
export type Answer =
  | {
    readonly kind: "ok";
    readonly status: number;
    readonly revision: string | undefined;
    readonly body: unknown;
  }
  | {
    readonly kind: "error";
    readonly status: number;
    /** The registry's own code such as `400012`; empty when the answer had none. */
    readonly errorCode: string;
    readonly message: string;
    /** What the answer means for this call. */
    readonly decision: Decision;
  };

/** Answers beyond this are refused, whatever they hold. */
const maxAnswerBytes = 32 * 1024 * 1024;

/** After a refusal that only somebody else can lift, the same kind of call waits so long. Units: milliseconds. */
const holdMs = { from: 120_000, to: 240_000 } as const;

/** Speaks to one Service Center at one or more addresses. */
export class ServiceCenterHttp {
  readonly #options: HttpOptions;
  readonly #ring: AddressRing;
  readonly #held = new Map<CallKind, { readonly untilMs: number; readonly message: string }>();
  readonly #watcher: AddressWatcher | undefined;
  readonly #places: AddressPlaces | undefined;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#ring = new AddressRing(options.addresses, {
      isolateAfter: 3,
      // Where a probe says when an address is well again, no time has to be guessed.
      isolateMs: options.probe ? Infinity : options.isolateMs,
      start: options.start,
    });
    const { probe, place, addresses, clock } = options;
    if (place && addresses.length > 1) {
      this.#places = new AddressPlaces(this.#ring, {
        own: place,
        addresses,
        clock,
        ask: () => this.#members(),
      });
    }
    if (probe) {
      this.#watcher = new AddressWatcher(this.#ring, {
        ...options,
        probe,
        page: async (address) => ({
          url: this.url(address, "/health/readiness"),
          headers: await this.headers(address),
        }),
      });
    }
  }

  get signs(): RegistrySigns {
    return this.#options.signs;
  }

  /** The address to try first, for connections that are kept open. Errors: RegistryError when there is none. */
  firstAddress(): string {
    const [address] = this.#ring.candidates(this.#options.clock.now());
    if (address === undefined) throw noAddress();
    return address;
  }

  blame(address: string): void {
    this.#ring.failed(address, this.#options.clock.now());
    void this.#watcher?.watch(address);
  }

  url(address: string, path: string): string {
    return `${address}/v4/${encodeURIComponent(this.#options.project)}/registry${path}`;
  }

  /** The headers that say who asks. Errors: those of the token. */
  async headers(address: string): Promise<Record<string, string>> {
    const token = await this.#options.tokens?.get(address);
    return {
      "X-Domain-Name": this.#options.domain,
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    };
  }

  /** The registry did not take the token of these headers. */
  rejectedToken(headers: Readonly<Record<string, string>>): void {
    this.#options.tokens?.rejected(headers.Authorization?.slice("Bearer ".length));
  }

  /**
   * Sends one call, at each usable address once until one gives a definite answer.
   *
   * Units: two timeouts in all at most, however many addresses hang.
   * Errors: RegistryError `unreachable`, `garbled`, or `forbidden`; after the last the same kind of call is not sent
   * again for minutes.
   */
  async call(call: Call, signal: AbortSignal): Promise<Answer> {
    const { clock, timeoutMs, closed } = this.#options;
    const beganMs = clock.now();
    const held = this.#held.get(call.kind);
    if (held && beganMs < held.untilMs) throw new RegistryError("forbidden", held.message);
    let last: RegistryError | undefined;
    for (const address of this.#ring.candidates(beganMs)) {
      const leftMs = beganMs + 2 * timeoutMs - clock.now();
      if (last && leftMs <= 0) break;
      try {
        const answer = await withDeadline((inner) => this.#authorized(address, call, inner), {
          clock,
          timeoutMs: Math.min(timeoutMs, leftMs),
          signals: [signal, closed],
        });
        this.#ring.succeeded(address);
        void this.#places?.learn();
        return this.#definite(call, answer);
      } catch (error) {
        if (signal.aborted || closed.aborted) {
          throw new RegistryError("unreachable", "the call was given up");
        }
        last = asRegistryError(error, address);
        if (last.code === "forbidden") throw last;
        this.blame(address);
      }
    }
    if (last?.code === "unreachable") this.signs.silent(`a call got no answer: ${last.message}`);
    throw last ?? noAddress();
  }

  /** The registry's own instances. Errors: RegistryError. */
  async #members(): Promise<unknown> {
    const never = new AbortController().signal;
    const answer = await this.call({ kind: "cluster", method: "GET", path: "/health" }, never);
    if (answer.kind === "error") throw new RegistryError("refused", answer.message);
    return answer.body;
  }

  /** Errors: RegistryError `forbidden` for an answer that nothing but time or people can change. */
  #definite(call: Call, answer: Answer): Answer {
    if (answer.kind === "ok" || answer.decision !== "hold") return answer;
    const { clock, random } = this.#options;
    const delayMs = holdMs.from + (holdMs.to - holdMs.from) * random();
    const message = `the registry does not allow ${call.method} ${call.path.split("?")[0]} ` +
      `(${answer.status} ${answer.message}); it is not asked again for ${
        Math.round(delayMs / 1000)
      } s`;
    this.#held.set(call.kind, { untilMs: clock.now() + delayMs, message });
    throw new RegistryError("forbidden", message);
  }

  async #authorized(address: string, call: Call, signal: AbortSignal): Promise<Answer> {
    const headers = await this.headers(address);
    const answer = await this.#ask(address, { call, headers, signal });
    if (answer.kind === "ok" || answer.decision !== "renew_token") return answer;
    if (!this.#options.tokens) return { ...answer, decision: "hold" };
    this.rejectedToken(headers);
    const again = await this.#ask(address, { call, headers: await this.headers(address), signal });
    return again.kind === "error" && again.decision === "renew_token"
      ? { ...again, decision: "hold" }
      : again;
  }

  async #ask(
    address: string,
    { call, headers, signal }: {
      readonly call: Call;
      readonly headers: Record<string, string>;
      readonly signal: AbortSignal;
    },
  ): Promise<Answer> {
    if (call.consumerId !== undefined) headers["X-ConsumerId"] = call.consumerId;
    if (call.body !== undefined) headers["Content-Type"] = "application/json";
    const response = await this.#options.fetch(this.url(address, call.path), {
      method: call.method,
      headers,
      // A redirect would mean that the path was wrong; following it would hide that.
      redirect: "manual",
      signal,
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    });
    const { status } = response;
    this.signs.answered(address, response.headers);
    // Its text says nothing that could be used, and a registry in trouble may never end it.
    if (status >= 429 && decide(call.kind, { kind: "answer", status }) === "other_address") {
      await response.body?.cancel();
      throw new RegistryError("unreachable", `${address} answered ${status}`);
    }
    const text = await readBounded(response, call.maxBytes ?? maxAnswerBytes);
    if (status === 304 || (status >= 200 && status < 300)) {
      return {
        kind: "ok",
        status,
        revision: response.headers.get("X-Resource-Revision") ?? undefined,
        body: text === "" ? undefined : parseJson(text, address),
      };
    }
    const { errorCode, message } = readError(text);
    const decision = decide(call.kind, { kind: "answer", status, errorCode });
    if (decision === "other_address") {
      throw new RegistryError(
        "garbled",
        `${address} answered ${status} without an error code: is this a Service Center?`,
      );
    }
    return { kind: "error", status, errorCode, message, decision };
  }
}

function noAddress(): RegistryError {
  return new RegistryError("unreachable", "no registry address is configured");
}

function asRegistryError(error: unknown, address: string): RegistryError {
  if (error instanceof RegistryError) return error;
  if (error instanceof DeadlineError) {
    return new RegistryError("unreachable", `${address}: ${error.message}`);
  }
  // What fetch itself says is "fetch failed"; the reason is in its cause.
  const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const words = reason instanceof Error ? reason.message : String(reason);
  return new RegistryError("unreachable", `${address} did not answer: ${words}`, { cause: error });
}
