/** Watches a Service Center over a web socket under the own service's id, and comes back whenever that ends. */
import { backoffMs } from "../../core/backoff.ts";
import type { ByteConnection, Clock, Dial, Logger, Random } from "../../core/ports.ts";
import { withDeadline } from "./deadline.ts";
import { decide, type Decision, type Outcome } from "./decisions.ts";
import type { OwnService } from "./own_service.ts";
import type { Watch, WatchState } from "./registry.ts";
import type { ServiceCenterHttp } from "./service_center_http.ts";
import { HandshakeError, WatchSocket } from "./watch_socket.ts";

export interface WatchOptions {
  readonly own: OwnService;
  readonly dial: Dial;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** For connection and handshake together. */
  readonly timeoutMs: number;
  readonly closed: AbortSignal;
}

const reconnect = { baseMs: 1_000, maxMs: 30_000 } as const;
/** The registry pings every 30 s; a watch whose consumer it has forgotten stays open and says nothing at all. */
const silenceMs = 75_000;
/** Where there is no watcher, or it is not allowed, it is looked for again after this time. */
const absentMs = 600_000;
/** The plain words that a watcher of an unknown service gets. */
const unknownServicePhrase = "service does not exist";

/** How it ended, in words. */
const endings: Readonly<Partial<Record<Outcome["kind"], string>>> = {
  watch_closed: "the registry closed it",
  watch_silent: `nothing came for ${silenceMs / 1000} s`,
  own_service_anew: "the own service was created anew",
};

const noOwnService =
  "only a sidecar that registers a service can watch, and no service is registered yet";

interface Session {
  readonly decision: Decision;
  /** How it ended, in words. */
  readonly why: string;
  /** Whether the connection stood. */
  readonly opened: boolean;
}

/** A sidecar that registers nothing has no id to watch under: it never connects and finds changes by polling. */
export class ServiceCenterWatch implements Watch {
  readonly #http: ServiceCenterHttp;
  readonly #options: WatchOptions;
  #state: WatchState = { connected: false, connects: 0, why: noOwnService };

  constructor(http: ServiceCenterHttp, options: WatchOptions) {
    this.#http = http;
    this.#options = options;
  }

  get state(): WatchState {
    return this.#state;
  }

  /** Shape: `changed(undefined)` comes after every connect, since what happened before it was not told. Never rejects. */
  async watch(changed: (name: string | undefined) => void, signal: AbortSignal): Promise<void> {
    const { own, clock, random, logger, closed } = this.#options;
    const stop = new AbortController();
    const end = () => stop.abort();
    for (const one of [signal, closed]) {
      if (one.aborted) return;
      one.addEventListener("abort", end, { once: true });
    }
    for (let attempt = 1; !stop.signal.aborted;) {
      const id = await own.ready(clock, stop.signal);
      if (id === undefined) break;
      const { decision, why, opened } = await this.#session(id, changed, stop.signal);
      if (stop.signal.aborted) break;
      this.#disconnected(why);
      logger.debug(`the watch of the registry ended: ${why}`);
      attempt = opened ? 1 : attempt;
      const reachable = decision === "reconnect" || decision === "other_address" ||
        decision === "renew_token";
      await clock.sleep(
        reachable ? backoffMs(reconnect, attempt, random()) : absentMs * (0.8 + 0.4 * random()),
        stop.signal,
      );
      attempt++;
    }
    this.#disconnected("it was stopped");
    for (const one of [signal, closed]) one.removeEventListener("abort", end);
  }

  /** One connection, from the dialling to its end. Never rejects. */
  async #session(
    id: string,
    changed: (name: string | undefined) => void,
    stop: AbortSignal,
  ): Promise<Session> {
    const { own, clock } = this.#options;
    const ended = new AbortController();
    const end = (outcome: Outcome) => ended.abort(outcome);
    const stopped = () => ended.abort();
    stop.addEventListener("abort", stopped, { once: true });
    own.whenAnew(() => end({ kind: "own_service_anew" }), ended.signal);
    let socket: WatchSocket | undefined;
    let heardAtMs = clock.now();
    const watchSilence = async () => {
      while (!ended.signal.aborted) {
        const leftMs = heardAtMs + silenceMs - clock.now();
        if (leftMs <= 0) return end({ kind: "watch_silent" });
        await clock.sleep(leftMs, ended.signal);
      }
    };
    try {
      socket = await this.#connect(id, ended.signal);
      const open = socket;
      ended.signal.addEventListener("abort", () => open.close(), { once: true });
      if (ended.signal.aborted) open.close();
      this.#state = { connected: true, connects: this.#state.connects + 1, sinceMs: clock.now() };
      changed(undefined);
      heardAtMs = clock.now();
      void watchSilence();
      for (;;) {
        const frame = await socket.next();
        heardAtMs = clock.now();
        if (frame === undefined || frame.kind === "close") break;
        if (frame.kind !== "text") continue;
        if (frame.text === unknownServicePhrase) {
          await this.#ownServiceRefused(id, stop);
          return { decision: "reconnect", why: frame.text, opened: false };
        }
        changed(serviceOf(frame.text));
      }
      if (!ended.signal.aborted) {
        this.#http.signs.silent("the watch broke");
        end({ kind: "watch_closed" });
      }
      return this.#failed(undefined, { ended: ended.signal, opened: true });
    } catch (error) {
      return this.#failed(error, { ended: ended.signal, opened: socket !== undefined });
    } finally {
      stop.removeEventListener("abort", stopped);
      ended.abort();
    }
  }

  #disconnected(why: string): void {
    const { connected, connects, sinceMs } = this.#state;
    const changedAtMs = connected ? this.#options.clock.now() : sinceMs;
    this.#state = {
      connected: false,
      connects,
      why,
      ...(changedAtMs === undefined ? {} : { sinceMs: changedAtMs }),
    };
  }

  #failed(
    error: unknown,
    { ended, opened }: { readonly ended: AbortSignal; readonly opened: boolean },
  ): Session {
    if (ended.aborted) {
      const outcome = ended.reason as Partial<Outcome>;
      const decision = outcome.kind ? decide("watch", outcome as Outcome) : "reconnect";
      const why = outcome.kind === undefined ? undefined : endings[outcome.kind];
      return { decision, why: why ?? "it was stopped", opened };
    }
    const why = error instanceof Error ? error.message : String(error);
    if (error instanceof HandshakeError && error.status !== 0) {
      const decision = decide("watch", { kind: "answer", status: error.status });
      return { decision, why, opened };
    }
    if (opened) this.#http.signs.silent(`the watch broke: ${why}`);
    return { decision: opened ? "reconnect" : "other_address", why, opened };
  }

  async #connect(id: string, signal: AbortSignal): Promise<WatchSocket> {
    const { dial, clock, random, timeoutMs } = this.#options;
    const address = this.#http.firstAddress();
    const url = new URL(
      this.#http.url(address, `/microservices/${encodeURIComponent(id)}/watcher`),
    );
    const secure = url.protocol === "https:";
    let connection: ByteConnection | undefined;
    let left = false;
    try {
      return await withDeadline(async (inner) => {
        const headers = await this.#http.headers(address);
        const dialled = await dial({
          host: url.hostname.replace(/^\[|\]$/g, ""),
          port: Number(url.port) || (secure ? 443 : 80),
          secure,
        }, inner);
        // Nobody waits for it any more, and nobody else would close it.
        if (left) dialled.close();
        connection = dialled;
        try {
          return await WatchSocket.open(dialled, {
            host: url.host,
            path: url.pathname,
            headers,
            random,
          });
        } catch (error) {
          if (error instanceof HandshakeError && error.status === 401) {
            this.#http.rejectedToken(headers);
          }
          throw error;
        }
      }, { clock, timeoutMs, signals: [signal] });
    } catch (error) {
      left = true;
      connection?.close();
      const answered = error instanceof HandshakeError && error.status < 500;
      if (!signal.aborted && !answered) this.#http.blame(address);
      throw error;
    }
  }

  /** The registry does not know the own service, or its cache does not yet; the next question tells which. */
  async #ownServiceRefused(id: string, signal: AbortSignal): Promise<void> {
    const path = `/microservices/${encodeURIComponent(id)}`;
    try {
      const answer = await this.#http.call({ kind: "own_service", method: "GET", path }, signal);
      const lost = answer.kind === "error" && answer.decision === "recreate_service";
      if (lost) this.#options.own.lost(id);
    } catch {
      // The heartbeat will tell.
    }
  }
}

/** The provider that an event is about, undefined when it does not say. */
function serviceOf(text: string): string | undefined {
  try {
    const event = JSON.parse(text) as { readonly key?: { readonly serviceName?: unknown } } | null;
    const name = event?.key?.serviceName;
    return typeof name === "string" && name !== "" ? name : undefined;
  } catch {
    return undefined;
  }
}
