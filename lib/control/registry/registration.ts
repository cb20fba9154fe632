/** The loop that keeps one own instance registered: first passing check, lease, status, loss, end. */
import { backoffMs, type BackoffPolicy } from "../../core/backoff.ts";
import type { Clock, Logger, Random } from "../../core/ports.ts";
import type { InstanceStatus } from "../../core/types.ts";
import { withDeadline } from "./deadline.ts";
import { type Lease, type Registrar, type Registration, RegistryError } from "./registry.ts";
import { Wakeup } from "./wakeup.ts";

export interface RegistrationState {
  /**
   * waiting: the application has not passed its first check. lost: the registry forgot the lease and the next
   * registration is on its way. stopped: over, deregistered where that was possible.
   */
  readonly state: "waiting" | "registering" | "registered" | "lost" | "stopped";
  readonly lease?: Lease;
  /** What the registry was last told. */
  readonly status?: InstanceStatus;
  /** Monotonic; of the last answer that proved the lease, registration included. */
  readonly lastHeartbeatAtMs?: number;
  readonly lastError?: string;
}

export interface OwnRegistrationOptions {
  readonly registrar: Registrar;
  /** What to publish; its status is that of the first report. */
  readonly registration: Omit<Registration, "status">;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly backoff?: BackoffPolicy;
  /** How long `stop` may take. Units: milliseconds. */
  readonly stopTimeoutMs?: number;
  readonly onState?: (state: RegistrationState) => void;
}

/** A lease that only this process lost is registered again within this time. */
const lostSpreadMs = 1_000;
/**
 * Leases lost after the registry was away are lost by the whole fleet at the same moment: registering again is spread
 * over this share of the heartbeat interval. Calls go on meanwhile, since consumers keep endpoints that answer.
 */
const fleetSpreadShare = 0.6;
/** For so many heartbeat intervals a silence of the registry is held to be the reason of a loss. */
const disturbedIntervals = 2;
/** A registry that comes and goes is told of once in this time. */
const quietMs = 60_000;

/** Never throws; everything that goes wrong is state and log. */
export class OwnRegistration {
  readonly #options: OwnRegistrationOptions;
  readonly #registration: Omit<Registration, "status">;
  readonly #backoff: BackoffPolicy;
  readonly #stopping = new AbortController();
  /** Ends calls that may go on while stopping; aborted when the time for stopping is up. */
  readonly #calls = new AbortController();
  readonly #wakeup: Wakeup;
  #wanted: InstanceStatus | undefined;
  #lost = false;
  /** When the registry last gave no answer to a call of this loop. */
  #failedAtMs = -Infinity;
  /** By what failed. */
  readonly #warnedAtMs = new Map<string, number>();
  #state: RegistrationState = { state: "waiting" };
  #running: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: OwnRegistrationOptions) {
    this.#options = options;
    this.#wakeup = new Wakeup(options.clock, this.#stopping.signal);
    this.#backoff = options.backoff ?? { baseMs: 1_000, maxMs: 60_000 };
    // An own id makes a repeated registration harmless and survives a lost lease.
    this.#registration = {
      ...options.registration,
      instanceId: options.registration.instanceId ?? randomId(options.random),
    };
    options.registrar.whenLost?.(() => {
      this.#lost = true;
      this.#wakeup.wake();
    }, this.#stopping.signal);
  }

  get state(): RegistrationState {
    return this.#state;
  }

  /** The state of the application. The first `UP` begins the registration; nothing happens before it. */
  report(status: InstanceStatus): void {
    if (this.#stopping.signal.aborted) return;
    const begun = this.#running !== undefined;
    if (!begun && status !== "UP") return;
    this.#wanted = status;
    if (begun) this.#wakeup.wake();
    else this.#running = this.#run();
  }

  /** Ends the loop and takes the instance out of the registry, within a bounded time. */
  stop(): Promise<void> {
    return this.#stopped ??= this.#stop();
  }

  async #stop(): Promise<void> {
    const { clock, registrar, logger, stopTimeoutMs = 3_000 } = this.#options;
    this.#stopping.abort();
    try {
      await withDeadline(async (signal) => {
        signal.addEventListener("abort", () => this.#calls.abort(signal.reason), { once: true });
        // A registration under way is waited for: given up half done it would leave an instance behind.
        await this.#running;
        const lease = this.#state.lease;
        if (lease) await registrar.deregister(lease, signal);
      }, { clock, timeoutMs: stopTimeoutMs });
      this.#set({ state: "stopped" });
    } catch (error) {
      const lastError = wordsOf(error);
      logger.warn(`deregistering failed, the registry's lease will end it: ${lastError}`);
      this.#set({ state: "stopped", lastError });
    }
  }

  async #run(): Promise<void> {
    const { clock, random, logger, registration: { key } } = this.#options;
    while (!this.#stopping.signal.aborted) {
      const lease = await this.#register();
      if (!lease || this.#stopping.signal.aborted) return;
      await this.#keep(lease);
      if (this.#stopping.signal.aborted) return;
      logger.warn(`the registry lost the instance of ${key.name}; registering it again`);
      this.#set({ ...this.#state, state: "lost" });
      await clock.sleep(random() * this.#lostSpreadMs(), this.#stopping.signal);
    }
  }

  #lostSpreadMs(): number {
    const { clock, registrar } = this.#options;
    const { intervalMs } = this.#registration.lease;
    const disturbedAtMs = Math.max(this.#failedAtMs, registrar.disturbedAtMs?.() ?? -Infinity);
    const recent = clock.now() - disturbedAtMs < disturbedIntervals * intervalMs;
    return recent ? Math.max(lostSpreadMs, fleetSpreadShare * intervalMs) : lostSpreadMs;
  }

  /** Undefined when stopped before it succeeded. */
  async #register(): Promise<Lease | undefined> {
    const { clock, random, logger, registrar, registration: { key } } = this.#options;
    for (let attempt = 1;; attempt++) {
      const { lease: _, ...rest } = this.#state;
      this.#set({ ...rest, state: "registering" });
      const status = this.#wanted!;
      this.#lost = false;
      try {
        const lease = await registrar.register(
          { ...this.#registration, status },
          this.#calls.signal,
        );
        this.#set({ state: "registered", lease, status, lastHeartbeatAtMs: clock.now() });
        logger.info(`registered ${key.name} ${key.version}`, { ...lease, status });
        return lease;
      } catch (error) {
        if (this.#stopping.signal.aborted) return undefined;
        this.#failed("registering", error, attempt === 1);
        // What was refused will be refused again: it waits as long as a wait can be.
        const refused = error instanceof RegistryError &&
          (error.code === "refused" || error.code === "forbidden");
        const delayMs = backoffMs(this.#backoff, refused ? 31 : attempt, random());
        await clock.sleep(delayMs, this.#stopping.signal);
      }
      if (this.#stopping.signal.aborted) return undefined;
    }
  }

  /** Returns when the lease is lost or the loop is stopped. */
  async #keep(lease: Lease): Promise<void> {
    const { clock, random, registrar } = this.#options;
    const { intervalMs } = this.#registration.lease;
    const nextBeat = () => clock.now() + Math.round(intervalMs * (0.9 + 0.1 * random()));
    // The first comes anywhere in the interval: sidecars that registered together do not beat together, and so do not
    // find out together that the registry has lost them.
    let beatAtMs = clock.now() + Math.round(intervalMs * (0.9 - 0.8 * random()));
    let statusAtMs = clock.now();
    let beatFailures = 0;
    let statusFailures = 0;
    while (!this.#stopping.signal.aborted && !this.#lost) {
      const wanted = this.#wanted!;
      if (wanted !== this.#state.status && clock.now() >= statusAtMs) {
        const outcome = await this.#try(
          "publishing the status",
          () => registrar.setStatus(lease, wanted, this.#stopping.signal),
          statusFailures === 0,
        );
        if (outcome === "lost") return;
        if (outcome === "done") this.#set({ ...this.#state, status: wanted });
        statusFailures = outcome === "done" ? 0 : statusFailures + 1;
        statusAtMs = clock.now() + this.#retryMs(statusFailures, intervalMs);
      } else if (clock.now() >= beatAtMs) {
        const outcome = await this.#try(
          "the heartbeat",
          () => registrar.heartbeat(lease, this.#stopping.signal),
          beatFailures === 0,
        );
        if (outcome === "lost") return;
        if (outcome === "done") {
          const { lastError: _, ...rest } = this.#state;
          this.#set({ ...rest, lastHeartbeatAtMs: clock.now() });
        }
        beatFailures = outcome === "done" ? 0 : beatFailures + 1;
        beatAtMs = beatFailures === 0
          ? nextBeat()
          : clock.now() + this.#retryMs(beatFailures, intervalMs);
      } else {
        const dueMs = this.#wanted === this.#state.status
          ? beatAtMs
          : Math.min(beatAtMs, statusAtMs);
        await this.#wakeup.sleep(dueMs - clock.now());
      }
    }
  }

  async #try(
    what: string,
    step: () => Promise<void>,
    first: boolean,
  ): Promise<"done" | "failed" | "lost"> {
    try {
      await step();
      return "done";
    } catch (error) {
      if (this.#stopping.signal.aborted) return "failed";
      this.#failed(what, error, first);
      return error instanceof RegistryError && error.code === "lease_lost" ? "lost" : "failed";
    }
  }

  #retryMs(failures: number, ceilingMs: number): number {
    if (failures === 0) return 0;
    const maxMs = Math.min(ceilingMs, this.#backoff.maxMs);
    return backoffMs({ baseMs: this.#backoff.baseMs, maxMs }, failures, this.#options.random());
  }

  /** Only the first of a row of failures is a warning, and that once a minute, so that no outage fills the log. */
  #failed(what: string, error: unknown, first: boolean): void {
    const lastError = wordsOf(error);
    const silent = !(error instanceof RegistryError) || error.code === "unreachable";
    if (silent) this.#failedAtMs = this.#options.clock.now();
    const nowMs = this.#options.clock.now();
    const loud = first && nowMs - (this.#warnedAtMs.get(what) ?? -Infinity) >= quietMs;
    if (loud) this.#warnedAtMs.set(what, nowMs);
    this.#options.logger[loud ? "warn" : "debug"](`${what} failed: ${lastError}`);
    this.#set({ ...this.#state, lastError });
  }

  #set(state: RegistrationState): void {
    this.#state = state;
    this.#options.onState?.(state);
  }
}

/** 32 hexadecimal digits, the form in which registries hand ids out themselves. */
function randomId(random: Random): string {
  const part = () => Math.floor(random() * 0x10000).toString(16).padStart(4, "0");
  return Array.from({ length: 8 }, part).join("");
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
