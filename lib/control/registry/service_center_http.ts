/** One call to a Service Center: address rotation, own timeout, bounded answer, error codes. */
import type { Clock, Fetch } from "../../core/ports.ts";
import { AddressRing } from "./addresses.ts";
import { DeadlineError, withDeadline } from "./deadline.ts";
import { RegistryError } from "./registry.ts";

export interface HttpOptions {
  /** Base addresses such as `http://10.0.0.9:30100`, without a trailing slash. */
  readonly addresses: readonly string[];
  readonly fetch: Fetch;
  readonly clock: Clock;
  /** Index of the address to begin with. */
  readonly start: number;
  readonly project: string;
  readonly domain: string;
  /** One try at one address. */
  readonly timeoutMs: number;
  readonly isolateMs: number;
  /** Ends all calls for good. */
  readonly closed: AbortSignal;
}

export interface Call {
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
    /** The registry's own code such as `400012`; decisions are made on it and never on the text. */
    readonly errorCode: string;
    readonly message: string;
  };

/** Answers beyond this are refused, whatever they hold. */
export const maxAnswerBytes = 32 * 1024 * 1024;

/** Speaks to one Service Center at one or more addresses. */
export class ServiceCenterHttp {
  readonly #options: HttpOptions;
  readonly #ring: AddressRing;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#ring = new AddressRing(options.addresses, {
      isolateAfter: 3,
      isolateMs: options.isolateMs,
      start: options.start,
    });
  }

  /**
   * Sends one call, at each usable address once until one gives a definite answer.
   *
   * Units: two timeouts in all at most, however many addresses hang.
   * Errors: RegistryError `unreachable` or `garbled`.
   */
  async call(call: Call, signal: AbortSignal): Promise<Answer> {
    const { clock, timeoutMs, closed } = this.#options;
    const beganMs = clock.now();
    let last: RegistryError | undefined;
    for (const address of this.#ring.candidates(beganMs)) {
      const leftMs = beganMs + 2 * timeoutMs - clock.now();
      if (last && leftMs <= 0) break;
      try {
        const answer = await withDeadline((inner) => this.#ask(address, call, inner), {
          clock,
          timeoutMs: Math.min(timeoutMs, leftMs),
          signals: [signal, closed],
        });
        this.#ring.succeeded(address);
        return answer;
      } catch (error) {
        if (signal.aborted || closed.aborted) {
          throw new RegistryError("unreachable", "the call was given up");
        }
        this.#ring.failed(address, clock.now());
        last = asRegistryError(error, address);
      }
    }
    throw last ?? new RegistryError("unreachable", "no registry address is configured");
  }

  async #ask(address: string, call: Call, signal: AbortSignal): Promise<Answer> {
    const { fetch, project, domain } = this.#options;
    const headers: Record<string, string> = { "X-Domain-Name": domain };
    if (call.consumerId !== undefined) headers["X-ConsumerId"] = call.consumerId;
    if (call.body !== undefined) headers["Content-Type"] = "application/json";
    const url = `${address}/v4/${encodeURIComponent(project)}/registry${call.path}`;
    const response = await fetch(url, {
      method: call.method,
      headers,
      // A redirect would mean that the path was wrong; following it would hide that.
      redirect: "manual",
      signal,
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    });
    if (response.status >= 500 || response.status === 429) {
      await response.body?.cancel();
      throw new RegistryError("unreachable", `${address} answered ${response.status}`);
    }
    const text = await readBounded(response, call.maxBytes ?? maxAnswerBytes);
    if (response.status === 304 || (response.status >= 200 && response.status < 300)) {
      return {
        kind: "ok",
        status: response.status,
        revision: response.headers.get("X-Resource-Revision") ?? undefined,
        body: text === "" ? undefined : parseJson(text, address),
      };
    }
    return readError(response.status, text, address);
  }
}

function readError(status: number, text: string, address: string): Answer {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  const { errorCode, errorMessage, detail } = (body ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof errorCode !== "string") {
    throw new RegistryError(
      "garbled",
      `${address} answered ${status} without an error code: is this a Service Center?`,
    );
  }
  const words = [errorMessage, detail].filter((part) => typeof part === "string").join(": ");
  return { kind: "error", status, errorCode, message: `${errorCode} ${words}`.slice(0, 500) };
}

function parseJson(text: string, address: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RegistryError("garbled", `${address} sent text that is no JSON`, { cause });
  }
}

async function readBounded(response: Response, maxBytes: number): Promise<string> {
  const tooLarge = () =>
    new RegistryError("garbled", `the answer is larger than ${maxBytes} bytes`);
  if (Number(response.headers.get("Content-Length") ?? 0) > maxBytes) {
    await response.body?.cancel();
    throw tooLarge();
  }
  if (!response.body) return "";
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop by a throw cancels the stream. Nothing is decoded before the size is known to be bearable.
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return new TextDecoder().decode(whole);
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
