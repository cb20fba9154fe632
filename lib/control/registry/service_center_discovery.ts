/** Finds the sets of services in a Service Center, many in one call where many are asked for at once. */
import { isServiceName } from "../../core/names.ts";
import type { Clock, Logger } from "../../core/ports.ts";
import { AloneNames, whenAllAborted } from "./find_batch.ts";
import type { OwnService } from "./own_service.ts";
import {
  type Discovery,
  type FindAnswer,
  type NamesScope,
  RegistryError,
  type ServiceQuery,
} from "./registry.ts";
import type { Answer, ServiceCenterHttp } from "./service_center_http.ts";
import {
  type BatchItem,
  readBatch,
  readInstances,
  readServiceNames,
} from "./service_center_records.ts";

export interface DiscoveryContext {
  readonly own: OwnService;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The set of one service is far smaller than the list of all services may be. */
const maxFindBytes = 8 * 1024 * 1024;
/** Names in one call; beyond it a slow call would hold up too many. */
const maxBatch = 100;
/** A registry without the batch call is asked for it again after an update, perhaps. Units: milliseconds. */
const absentMs = 600_000;

interface Wish {
  readonly query: ServiceQuery;
  readonly revision: string | undefined;
  readonly signal: AbortSignal;
  readonly settle: (answer: FindAnswer | Promise<FindAnswer>) => void;
  readonly fail: (error: unknown) => void;
}

export class ServiceCenterDiscovery implements Discovery {
  readonly #http: ServiceCenterHttp;
  readonly #context: DiscoveryContext;
  /** Service name to the last warning about its records, so that a lasting defect is told once. */
  readonly #warned = new Map<string, string>();
  /** Names that a batch does not answer well, and since when; they never again spoil one. */
  readonly #alone: AloneNames;
  #wishes: Wish[] = [];
  #batchAbsentUntilMs = -Infinity;

  constructor(http: ServiceCenterHttp, context: DiscoveryContext) {
    this.#http = http;
    this.#context = context;
    this.#alone = new AloneNames(context.clock);
  }

  find(
    query: ServiceQuery,
    revision: string | undefined,
    signal: AbortSignal,
  ): Promise<FindAnswer> {
    // The registry would refuse the name as malformed; a host name that is no service name is simply no service.
    if (!isServiceName(query.name)) return Promise.resolve({ kind: "unknown" });
    const { promise, resolve, reject } = Promise.withResolvers<FindAnswer>();
    this.#wishes.push({ query, revision, signal, settle: resolve, fail: reject });
    // Wishes of the same moment go together; a single one is not held up by waiting for more.
    if (this.#wishes.length === 1) queueMicrotask(() => void this.#send());
    return promise;
  }

  async names(scope: NamesScope, signal: AbortSignal): Promise<readonly string[]> {
    const answer = await this.#http.call(
      { kind: "names", method: "GET", path: "/microservices" },
      signal,
    );
    if (answer.kind === "error") throw refused(answer.message);
    return readServiceNames(answer.body, scope);
  }

  /** Shape: never rejects; every wish is settled. */
  async #send(): Promise<void> {
    const wishes = this.#wishes;
    this.#wishes = [];
    const together = this.#context.clock.now() < this.#batchAbsentUntilMs
      ? []
      : wishes.filter(({ query, signal }) => !signal.aborted && !this.#alone.has(query));
    const joint = together.length > 1 ? new Set(together) : new Set<Wish>();
    for (const wish of wishes) if (!joint.has(wish)) this.#single(wish);
    const list = [...joint];
    for (let i = 0; i < list.length; i += maxBatch) {
      const part = list.slice(i, i + maxBatch);
      try {
        await this.#batch(part);
      } catch (error) {
        for (const wish of part) wish.fail(error);
      }
    }
  }

  #single(wish: Wish, known: { readonly ownExists?: boolean } = {}): void {
    wish.settle(this.#findOne(wish, known));
  }

  async #findOne(
    { query, revision, signal }: Wish,
    known: { readonly ownExists?: boolean },
  ): Promise<FindAnswer> {
    const { own, clock } = this.#context;
    const consumerId = own.consumerId(clock.now());
    const answer = await this.#ask(query, { revision, consumerId, signal });
    if (answer.kind === "ok") return this.#read(answer, { query, revision });
    if (answer.decision !== "check_own_service") throw refused(answer.message);
    // The same code stands for an unknown provider and for an unknown caller.
    if (
      consumerId === undefined || known.ownExists === true ||
      await this.#ownServiceExists(consumerId, signal)
    ) {
      return { kind: "unknown" };
    }
    own.lost(consumerId);
    const again = await this.#ask(query, { revision, consumerId: undefined, signal });
    if (again.kind === "ok") return this.#read(again, { query, revision });
    if (again.decision === "check_own_service") return { kind: "unknown" };
    throw refused(again.message);
  }

  /** Errors: RegistryError, when not one of the wishes got an answer. */
  async #batch(wishes: readonly Wish[]): Promise<void> {
    const { own, clock } = this.#context;
    const consumerId = own.consumerId(clock.now());
    using unwanted = whenAllAborted(wishes.map((one) => one.signal));
    const { signal } = unwanted;
    const services = wishes.map(({ query, revision }) => ({
      service: {
        appId: query.app,
        serviceName: query.name,
        version: "0+",
        ...(query.environment === "" ? {} : { environment: query.environment }),
      },
      ...(revision ? { rev: revision } : {}),
    }));
    const answer = await this.#http.call({
      kind: "batch_find",
      method: "POST",
      path: "/instances/action?type=query",
      body: { ...(consumerId === undefined ? {} : { consumerServiceId: consumerId }), services },
      ...(consumerId === undefined ? {} : { consumerId }),
    }, signal);
    if (answer.kind === "error") {
      if (answer.decision === "feature_absent") {
        this.#batchAbsentUntilMs = clock.now() + absentMs;
      } else if (answer.decision !== "ask_singly") throw refused(answer.message);
      return await this.#oneByOne(wishes);
    }
    const items = readBatch(answer.body, wishes.length);
    let ownExists: boolean | undefined;
    for (const [index, wish] of wishes.entries()) {
      const item = items[index];
      if (item?.kind === "failed" && item.errorCode === "400012") {
        // One question for all: does the registry still know who asks? Then a second look without the batch, which
        // does not find services by their alias.
        ownExists ??= consumerId === undefined || await this.#ownServiceExists(consumerId, signal);
        this.#alone.add(wish.query);
        if (!ownExists && consumerId !== undefined) own.lost(consumerId);
        this.#single(wish, ownExists ? { ownExists } : {});
      } else this.#settle(wish, item);
    }
    if (ownExists === false) { for (const wish of wishes) this.#alone.delete(wish.query); }
  }

  #settle(wish: Wish, item: BatchItem | undefined): void {
    const { query, revision } = wish;
    if (item === undefined) {
      wish.fail(new RegistryError("garbled", `the registry left out the answer for ${query.name}`));
    } else if (item.kind === "failed") {
      this.#alone.add(query);
      wish.fail(refused(`${item.errorCode} for ${query.name}`));
    } else if (item.kind === "unchanged") {
      if (revision) wish.settle({ kind: "unchanged" });
      else wish.fail(new RegistryError("garbled", `unchanged since nothing: ${query.name}`));
    } else {
      try {
        const { instances, dropped } = readInstances(item.body, query);
        this.#warn(query.name, dropped);
        wish.settle({ kind: "set", revision: item.revision, instances });
      } catch (error) {
        wish.fail(error);
      }
    }
  }

  /** The registry refused the whole because of one name, and does not say which. */
  async #oneByOne(wishes: readonly Wish[]): Promise<void> {
    await Promise.all(wishes.map(async (wish) => {
      try {
        wish.settle(await this.#findOne(wish, {}));
      } catch (error) {
        if (error instanceof RegistryError && error.code === "refused") this.#alone.add(wish.query);
        wish.fail(error);
      }
    }));
  }

  #ask(
    query: ServiceQuery,
    options: {
      readonly revision: string | undefined;
      readonly consumerId: string | undefined;
      readonly signal: AbortSignal;
    },
  ): Promise<Answer> {
    const { revision, consumerId, signal } = options;
    // Old registries demand a version rule, new ones ignore it; `0+` is every version.
    const path = `/instances?appId=${encodeURIComponent(query.app)}` +
      `&serviceName=${encodeURIComponent(query.name)}&version=0%2B` +
      `&env=${encodeURIComponent(query.environment)}` +
      (revision ? `&rev=${encodeURIComponent(revision)}` : "");
    return this.#http.call({
      kind: "find",
      method: "GET",
      path,
      maxBytes: maxFindBytes,
      ...(consumerId === undefined ? {} : { consumerId }),
    }, signal);
  }

  #read(
    answer: Answer & { readonly kind: "ok" },
    asked: { readonly query: ServiceQuery; readonly revision: string | undefined },
  ): FindAnswer {
    if (answer.status === 304) {
      if (asked.revision) return { kind: "unchanged" };
      throw new RegistryError("garbled", "the registry answered 304 to a call without a revision");
    }
    const { instances, dropped } = readInstances(answer.body, asked.query);
    this.#warn(asked.query.name, dropped);
    return { kind: "set", revision: answer.revision ?? "", instances };
  }

  #warn(service: string, dropped: readonly string[]): void {
    const text = dropped.slice(0, 5).join("; ");
    if (text === "") this.#warned.delete(service);
    if (text === "" || this.#warned.get(service) === text) return;
    this.#warned.set(service, text);
    this.#context.logger.warn(`records of ${service} in the registry are not usable: ${text}`, {
      service,
      count: dropped.length,
    });
  }

  async #ownServiceExists(serviceId: string, signal: AbortSignal): Promise<boolean> {
    const path = `/microservices/${encodeURIComponent(serviceId)}`;
    const answer = await this.#http.call({ kind: "own_service", method: "GET", path }, signal);
    return answer.kind === "ok" || answer.decision !== "recreate_service";
  }
}

function refused(message: string): RegistryError {
  return new RegistryError("refused", `the registry refused the call: ${message}`);
}
