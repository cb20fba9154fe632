/** The token of a registry that checks who asks: fetched with account and password, renewed before it ends. */
import type { Clock, Fetch, Logger } from "../../core/ports.ts";
import { DeadlineError, withDeadline } from "./deadline.ts";
import { decide } from "./decisions.ts";
import { RegistryError } from "./registry.ts";

export interface Credentials {
  readonly account: string;
  /**
   * The password, or how to read it whenever it is needed, so that another one is noticed.
   *
   * Errors: an Error whose message says what is wrong, and nothing of what was read.
   */
  readonly password: string | (() => Promise<string>);
}

export interface TokenOptions {
  readonly credentials: Credentials;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timeoutMs: number;
  /** Ends a fetch under way for good. */
  readonly closed: AbortSignal;
}

interface Token {
  readonly text: string;
  /** Monotonic. */
  readonly renewAtMs: number;
  readonly endsAtMs: number;
}

interface Refused {
  readonly untilMs: number;
  readonly message: string;
  readonly password: string;
}

/** A refused account is not tried again sooner: the registry blocks accounts after a few failures. */
const refusedMs = 5 * 60_000;
/** A registry without accounts may get them; it is asked again now and then. */
const absentMs = 10 * 60_000;
const retryRenewalMs = 10_000;
/** Of a token that does not say when it ends. */
const assumedLifeMs = 20 * 60_000;
const maxTokenLength = 64 * 1024;

/** One token for all addresses of a registry; concurrent wishes are one fetch. */
export class TokenSource {
  readonly #options: TokenOptions;
  #token: Token | undefined;
  #absentUntilMs = -Infinity;
  #refused: Refused | undefined;
  #retryAtMs = -Infinity;
  #fetching: Promise<string | undefined> | undefined;

  constructor(options: TokenOptions) {
    this.#options = options;
  }

  /**
   * The token to send, undefined when the registry wants none.
   *
   * Errors: RegistryError `forbidden` when the account was refused, `unreachable` when there is no token and none can
   * be fetched now.
   */
  async get(address: string): Promise<string | undefined> {
    const nowMs = this.#options.clock.now();
    const token = this.#token;
    const valid = token !== undefined && nowMs < token.endsAtMs ? token.text : undefined;
    if (valid !== undefined && nowMs < token!.renewAtMs) return valid;
    if (nowMs < this.#absentUntilMs) return undefined;
    if (valid !== undefined && nowMs < this.#retryAtMs) return valid;
    if (this.#refused && await this.#isRefused(this.#refused)) {
      if (valid !== undefined) return valid;
      throw new RegistryError("forbidden", this.#refused.message);
    }
    try {
      return await (this.#fetching ??= this.#fetch(address).finally(() =>
        this.#fetching = undefined
      ));
    } catch (error) {
      // Renewed with a fifth of its life left: the old one still opens doors.
      if (valid === undefined) throw error;
      this.#retryAtMs = nowMs + retryRenewalMs;
      return valid;
    }
  }

  /** The registry did not take this token; the next `get` fetches another, unless that was done meanwhile. */
  rejected(token: string | undefined): void {
    this.#absentUntilMs = -Infinity;
    if (this.#token?.text === token) this.#token = undefined;
  }

  /** A refusal holds for its time, unless there is another password meanwhile. */
  async #isRefused({ untilMs, password }: Refused): Promise<boolean> {
    const { clock, credentials } = this.#options;
    if (clock.now() >= untilMs) return false;
    if (typeof credentials.password === "string") return true;
    return await credentials.password().catch(() => password) === password;
  }

  async #fetch(address: string): Promise<string | undefined> {
    const { fetch, clock, timeoutMs, closed, credentials } = this.#options;
    const password = await this.#password();
    let response: Response;
    let text: string;
    try {
      [response, text] = await withDeadline(async (signal) => {
        const answer = await fetch(`${address}/v4/token`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          redirect: "manual",
          signal,
          body: JSON.stringify({ name: credentials.account, password }),
        });
        return [answer, await answer.text()] as const;
      }, { clock, timeoutMs, signals: [closed] });
    } catch (error) {
      const words = error instanceof DeadlineError ? error.message : "no connection";
      throw new RegistryError("unreachable", `${address} gave no token: ${words}`, {
        cause: error,
      });
    }
    return this.#read(response.status, text, { address, password });
  }

  /** Errors: RegistryError `unreachable`; a file is replaced in a moment and may come back. */
  async #password(): Promise<string> {
    const { credentials: { password } } = this.#options;
    if (typeof password === "string") return password;
    try {
      return await password();
    } catch (cause) {
      const words = cause instanceof Error ? cause.message : "it cannot be read";
      throw new RegistryError(
        "unreachable",
        `there is no password to fetch a token with: ${words}`,
        {
          cause,
        },
      );
    }
  }

  #read(
    status: number,
    text: string,
    { address, password }: { readonly address: string; readonly password: string },
  ): string | undefined {
    const { clock, logger, credentials } = this.#options;
    const decision = decide("token", { kind: "answer", status });
    if (decision === "feature_absent") {
      logger.info(`${address} knows no accounts; registry_account is not used`);
      this.#absentUntilMs = clock.now() + absentMs;
      return undefined;
    }
    if (decision === "hold") {
      const message =
        `the registry refused the account ${credentials.account} with ${status}; check registry_account and ` +
        `its password; it is tried again in ${refusedMs / 60_000} minutes`;
      logger.warn(message);
      this.#refused = { untilMs: clock.now() + refusedMs, message, password };
      throw new RegistryError("forbidden", message);
    }
    if (decision !== "take") {
      throw new RegistryError("unreachable", `${address} answered ${status} instead of a token`);
    }
    const token = readToken(text);
    if (token === undefined) {
      throw new RegistryError("garbled", `${address} sent something else than a token`);
    }
    const nowMs = clock.now();
    const lifeMs = tokenLifeMs(token, clock.wall());
    this.#refused = undefined;
    this.#token = { text: token, renewAtMs: nowMs + lifeMs * 0.8, endsAtMs: nowMs + lifeMs };
    return token;
  }
}

function readToken(text: string): string | undefined {
  try {
    const { token } = JSON.parse(text) as { readonly token?: unknown };
    // It becomes a header field, so nothing but its own alphabet may be in it.
    const usable = typeof token === "string" && token.length <= maxTokenLength &&
      /^[A-Za-z0-9._~+/=-]+$/.test(token);
    return usable ? token : undefined;
  } catch {
    return undefined;
  }
}

/**
 * How long a token is good for from now on.
 *
 * Shape: by its own two times where it has both, because the clocks of two hosts differ; else by the wall clock.
 * Units: milliseconds, between a minute and a day.
 */
export function tokenLifeMs(token: string, wallMs: number): number {
  const claims = readClaims(token);
  const end = claims?.exp;
  if (typeof end !== "number") return assumedLifeMs;
  const begin = typeof claims?.iat === "number" ? claims.iat * 1000 : wallMs;
  return Math.min(86_400_000, Math.max(60_000, end * 1000 - begin));
}

function readClaims(token: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const part = token.split(".")[1] ?? "";
    const text = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
    const claims: unknown = JSON.parse(text);
    return typeof claims === "object" && claims !== null
      ? claims as Readonly<Record<string, unknown>>
      : undefined;
  } catch {
    return undefined;
  }
}
