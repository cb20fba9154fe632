/** Who a name is, as far as this thread knows: clusters it holds, answers it got, questions under way. */
import { MeshError } from "../../core/errors.ts";
import { blocks } from "../../plane/counters.ts";
import type {
  ClusterChange,
  ClusterSnapshot,
  EndpointSnapshot,
  FromThread,
  Resolution,
} from "../../plane/messages.ts";
import type { Incoming } from "../cluster/arrivals.ts";
import { Cluster } from "../cluster/cluster.ts";
import { RecordPack } from "../../plane/record_pack.ts";
import { IncomingChange } from "../cluster/incoming.ts";
import { type Authority, AuthorityTable } from "../routing/authority.ts";
import { compileEgress, type EgressDecision } from "../routing/egress.ts";
import type { DataContext } from "./context.ts";
import { publishTogether } from "./outside_gauges.ts";
import type { Rules } from "./rules.ts";
import type { Upstream } from "./upstream.ts";

/** Where requests for an authority go, or why they cannot. */
export type Route =
  & { readonly validUntil: number; readonly epoch: number }
  & (
    | {
      readonly kind: "cluster";
      readonly cluster: Cluster<Upstream>;
      readonly rules: Rules | undefined;
    }
    | { readonly kind: "outside"; readonly cluster: Cluster<Upstream> }
    | { readonly kind: "failed"; readonly error: MeshError }
  );

interface Question {
  readonly waiting: ((answered: boolean) => void)[];
}

/** How long an answer holds at least. Units: milliseconds. */
const minValidMs = 50;
/** Outside hosts that are remembered with their connections. */
const maxOutside = 1000;

export class Directory {
  readonly authorities = new AuthorityTable<Route>();
  readonly #context: DataContext;
  readonly #ask: (message: FromThread) => void;
  readonly #clusters = new Map<string, Cluster<Upstream>>();
  /** By service, what the set that its cluster has is called. */
  readonly #numbers = new Map<string, number>();
  readonly #outside = new Map<string, Cluster<Upstream>>();
  readonly #answers = new Map<string, { resolution: Resolution; validUntil: number }>();
  readonly #questions = new Map<string, Question>();
  readonly #refreshing = new Map<string, ((refreshed: boolean) => void)[]>();
  #egress: EgressDecision;
  #parked = 0;
  /** Grows whenever remembered routes may be wrong. */
  #epoch = 0;

  constructor(context: DataContext, ask: (message: FromThread) => void) {
    this.#context = context;
    this.#ask = ask;
    this.#egress = compileEgress(context.policy.traffic.egress);
  }

  /** Requests that wait for an answer of control. */
  get parked(): number {
    return this.#parked;
  }

  get clusters(): ReadonlyMap<string, Cluster<Upstream>> {
    return this.#clusters;
  }

  /** Takes over a whole set. Shape: `number` is what changes of it name it by; 0: none will. */
  applyCluster(snapshot: ClusterSnapshot, number = 0): void {
    const known = this.#clusters.get(snapshot.service);
    if (known !== undefined) known.apply(snapshot);
    else this.#add(this.#makeCluster(snapshot, { inOrder: false }));
    this.#applied(snapshot.service, number);
  }

  #add(cluster: Cluster<Upstream>): void {
    this.#clusters.set(cluster.service, cluster);
    this.#epoch++;
  }

  #applied(service: string, number: number): void {
    this.#numbers.set(service, number);
    this.#answerRefresh(service);
  }

  /** Begins to take a change in. Shape: undefined when it builds upon another set; then the whole one is asked for. */
  beginChange(change: ClusterChange): Incoming | undefined {
    const { base, number, service } = change;
    const known = this.#clusters.get(service);
    if (base === 0 && known !== undefined) return this.#wholeSet(change);
    if (base !== 0 && (known === undefined || this.#numbers.get(service) !== base)) {
      this.#ask({ kind: "cluster_gap", service });
      return undefined;
    }
    const cluster = known ?? this.#makeCluster({ ...change, endpoints: [] }, { inOrder: false });
    const incoming = new IncomingChange(cluster, change);
    return {
      step: () => {
        if (!incoming.step()) return false;
        if (known === undefined) this.#add(cluster);
        this.#applied(service, number);
        return true;
      },
    };
  }

  #wholeSet({ added, block, number, service, unusable }: ClusterChange): Incoming {
    const endpoints: EndpointSnapshot[] = [];
    const pack = added.kind === "few" ? undefined : new RecordPack(added.records);
    if (added.kind === "few") endpoints.push(...added.records);
    return {
      step: () => {
        const from = endpoints.length;
        if (pack !== undefined && from < pack.count) {
          endpoints.push(...pack.readStretch(from, pack.stretchEnd(from)));
          if (endpoints.length < pack.count) return false;
        }
        this.applyCluster({ service, block, endpoints, unusable }, number);
        return true;
      },
    };
  }

  #makeCluster(
    snapshot: ClusterSnapshot,
    { inOrder }: { readonly inOrder: boolean },
  ): Cluster<Upstream> {
    const { policy } = this.#context;
    const { traffic } = policy;
    const own = inOrder ? undefined : traffic.services[snapshot.service];
    return this.#context.makeCluster(snapshot, { policy: own ?? traffic.fallback, inOrder });
  }

  forgetCluster(service: string): void {
    this.#clusters.get(service)?.close();
    this.#clusters.delete(service);
    this.#numbers.delete(service);
    for (const [name, answer] of this.#answers) {
      if (answer.resolution.kind === "service" && answer.resolution.service === service) {
        this.#answers.delete(name);
      }
    }
    this.#epoch++;
  }

  applyResolution(name: string, resolution: Resolution, validMs: number): void {
    if (this.#answers.size >= 4096) this.#answers.clear();
    // Whoever waits for the answer has to see it, however short it is meant to hold.
    const heldMs = resolution.kind === "service" ? Infinity : Math.max(validMs, minValidMs);
    const validUntil = this.#context.net.now() + heldMs;
    this.#answers.set(name, { resolution, validUntil });
    const question = this.#questions.get(name);
    this.#questions.delete(name);
    for (const answered of question?.waiting ?? []) answered(true);
  }

  applyVerdict(service: string, address: { host: string; port: number; healthy: boolean }): void {
    const cluster = this.#clusters.get(service);
    const endpoint = cluster?.find(address);
    if (cluster === undefined || endpoint === undefined) return;
    cluster.verdict(endpoint, {
      healthy: address.healthy,
      ejectMs: this.#context.policy.ejectMs,
      nowMs: this.#context.net.now(),
    });
  }

  /**
   * The route of an authority, if this thread knows it.
   *
   * Shape: undefined means that control has to be asked first. Cost: a few comparisons.
   */
  known(authority: Authority<Route>): Route | undefined {
    const remembered = authority.route;
    const nowMs = this.#context.net.now();
    if (
      remembered !== undefined && remembered.epoch === this.#epoch &&
      remembered.validUntil > nowMs
    ) {
      return remembered;
    }
    const route = this.#find(authority, nowMs);
    authority.route = route;
    return route;
  }

  #find(authority: Authority<Route>, nowMs: number): Route | undefined {
    const { host } = authority;
    if (authority.kind === "ip") {
      const address = host === "localhost" ? "127.0.0.1" : host;
      return this.#outsideRoute(authority, [address], Infinity);
    }
    const exact = this.#clusters.get(host);
    if (exact !== undefined) return this.#serviceRoute(exact);
    const answer = this.#answers.get(host);
    if (answer === undefined) return undefined;
    if (answer.validUntil <= nowMs) {
      this.#answers.delete(host);
      return undefined;
    }
    const { resolution } = answer;
    switch (resolution.kind) {
      case "service": {
        const cluster = this.#clusters.get(resolution.service);
        return cluster === undefined ? undefined : this.#serviceRoute(cluster);
      }
      case "host":
        return this.#outsideRoute(authority, resolution.addresses, answer.validUntil);
      default:
        return this.#failed(resolutionError(resolution, host), answer.validUntil);
    }
  }

  #serviceRoute(cluster: Cluster<Upstream>): Route {
    const rules = this.#context.rulesOf(cluster);
    return { kind: "cluster", cluster, rules, validUntil: Infinity, epoch: this.#epoch };
  }

  #failed(error: MeshError, validUntil: number): Route {
    return { kind: "failed", error, validUntil, epoch: this.#epoch };
  }

  #outsideRoute(
    authority: Authority<Route>,
    addresses: readonly string[],
    validUntil: number,
  ): Route {
    const { policy } = this.#context;
    const port = authority.port || 80;
    const verdict = this.#egress(authority.host, port);
    if (verdict.action === "deny") {
      const error = new MeshError(
        "request_denied",
        `${authority.host} is no service of the mesh: ${verdict.because}`,
      );
      return this.#failed(error, Infinity);
    }
    if (addresses.some((host) => isOwnAddress(policy.ownAddresses, host, port))) {
      const error = new MeshError(
        "loop_detected",
        `${authority.text} is this sidecar itself; it is to be used as http_proxy, not as a host`,
      );
      return this.#failed(error, Infinity);
    }
    const key = `${authority.host} ${port}`;
    const snapshot: ClusterSnapshot = {
      service: authority.host,
      block: blocks.outside,
      endpoints: addresses.map((host) => ({
        host,
        port,
        instanceId: "",
        version: "",
        mesher: false,
      })),
      unusable: [],
    };
    let cluster = this.#outside.get(key);
    if (cluster === undefined) {
      if (this.#outside.size >= maxOutside) this.#forgetOldestOutside();
      cluster = this.#makeCluster(snapshot, { inOrder: true });
      this.#outside.set(key, cluster);
    } else {
      cluster.apply(snapshot);
    }
    return { kind: "outside", cluster, validUntil, epoch: this.#epoch };
  }

  #forgetOldestOutside(): void {
    for (const [key, cluster] of this.#outside) {
      cluster.close();
      this.#outside.delete(key);
      this.#epoch++;
      return;
    }
  }

  /**
   * Asks control who a name is, once for all requests that want to know.
   *
   * Shape: resolves when the answer is there. Errors: MeshError registry_unavailable when it takes too long,
   * concurrency_limit when too many wait.
   */
  async ask(name: string): Promise<void> {
    const { limits, timeouts } = this.#context.policy;
    if (this.#parked >= limits.parked) {
      throw new MeshError("concurrency_limit", `${this.#parked} requests wait for names already`);
    }
    let question = this.#questions.get(name);
    if (question === undefined) {
      question = { waiting: [] };
      this.#questions.set(name, question);
      this.#ask({ kind: "resolve", name });
    }
    const answered = await this.#wait(question.waiting, timeouts.resolveMs + 250);
    if (!answered) {
      if (this.#questions.get(name) === question) this.#questions.delete(name);
      throw new MeshError(
        "registry_unavailable",
        `nobody could say within ${timeouts.resolveMs} ms who "${name}" is`,
      );
    }
  }

  /** Asks control for a newer set of a service whose endpoints all failed. Shape: whether one came. */
  async refresh(service: string): Promise<boolean> {
    let waiting = this.#refreshing.get(service);
    if (waiting === undefined) {
      waiting = [];
      this.#refreshing.set(service, waiting);
      this.#ask({ kind: "refresh", service });
    }
    const answered = await this.#wait(waiting, this.#context.policy.timeouts.resolveMs);
    // A question that was lost must not be the last one.
    if (!answered && this.#refreshing.get(service) === waiting) this.#refreshing.delete(service);
    return answered;
  }

  #answerRefresh(service: string): void {
    const waiting = this.#refreshing.get(service);
    this.#refreshing.delete(service);
    for (const answered of waiting ?? []) answered(true);
  }

  async #wait(waiting: ((answered: boolean) => void)[], timeoutMs: number): Promise<boolean> {
    this.#parked++;
    try {
      return await new Promise<boolean>((resolve) => {
        waiting.push(resolve);
        this.#context.net.sleep(timeoutMs).then(() => resolve(false));
      });
    } finally {
      this.#parked--;
    }
  }

  /** Routes that were decided by the old policy are decided again. */
  policyChanged(): void {
    const { traffic } = this.#context.policy;
    this.#egress = compileEgress(traffic.egress);
    for (const [service, cluster] of this.#clusters) {
      cluster.setPolicy(traffic.services[service] ?? traffic.fallback);
    }
    for (const cluster of this.#outside.values()) cluster.setPolicy(traffic.fallback);
    this.#epoch++;
  }

  /** Puts the gauges of outside hosts where control sees them; those of services are looked at one by one. */
  publishOutside(nowMs: number): void {
    publishTogether(this.#outside, {
      block: blocks.outside,
      counters: this.#context.counters,
      nowMs,
    });
  }

  suspect(service: string, address: { host: string; port: number; reason: string }): void {
    this.#ask({ kind: "suspect", service, ...address });
  }

  close(): void {
    for (const cluster of this.#clusters.values()) cluster.close();
    for (const cluster of this.#outside.values()) cluster.close();
  }
}

function resolutionError(
  resolution: Exclude<Resolution, { kind: "service" | "host" }>,
  host: string,
): MeshError {
  switch (resolution.kind) {
    case "ambiguous":
      return new MeshError(
        "destination_invalid",
        `"${host}" fits the services ${resolution.names.join(" and ")}, which differ only by case`,
      );
    case "unknown":
      return new MeshError("service_unknown", resolution.detail);
    case "registry_down":
      return new MeshError("registry_unavailable", resolution.detail);
    case "host_unknown":
      return new MeshError("service_unknown", resolution.detail);
  }
}

/** Whether an address is one of the sidecar's own listeners; a listener on all interfaces owns every loopback one. */
export function isOwnAddress(
  own: readonly ({ readonly host: string; readonly port: number } | { readonly path: string })[],
  host: string,
  port: number,
): boolean {
  for (const address of own) {
    if ("path" in address || address.port !== port) continue;
    if (address.host === host) return true;
    const everywhere = address.host === "0.0.0.0" || address.host === "::";
    if (everywhere && (host.startsWith("127.") || host === "::1")) return true;
  }
  return false;
}
