/** Where one request goes and under which rules; one object per client connection, filled anew for each request. */
import type { FaultPolicy, RetryPolicy } from "../../core/traffic.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { EndpointGroup } from "../cluster/group.ts";
import type { FaultDecision } from "../routing/fault.ts";
import type { FieldPlan } from "./field_plan.ts";
import type { Upstream } from "./upstream.ts";

export class RequestPlan {
  cluster!: Cluster<Upstream>;
  /** The endpoints that may be picked: all of the cluster, or a subset. */
  group!: EndpointGroup<Upstream>;
  /** service: control can be asked for newer endpoints and probes. local: one endpoint, tried once. */
  scope: "service" | "outside" | "local" = "service";
  /** Range of path and query inside the inbox's bytes. */
  pathFrom = 0;
  pathTo = 0;
  /** Path and query as a rule has rewritten them; undefined: as they came. */
  pathText: string | undefined;
  fields!: FieldPlan;
  /** Host field to write instead of the caller's; empty to leave the caller's where it stands. */
  host = "";
  /** Port that the caller named, for the provider's sidecar; 0 for none. */
  forwardedPort = 0;
  /** Peer of an inbound connection, for the application; empty on the way out. */
  forwardedFor = "";
  /** Authority of an absolute target, which overrules the Host field; empty where there is none. */
  forwardedHost = "";
  /** From the last request byte to the response head, over all attempts. Units: milliseconds. */
  responseMs = 0;
  /** Where the composed head says how much time is left; 0 where it says nothing. */
  deadlineAt = 0;
  retry!: RetryPolicy;
  /** Name of the rule that was applied; empty for none. */
  rule = "";
  /** Its targets that were passed over because they have no endpoint, in words; empty for none. */
  passedOver = "";
  /** Of the whole service; a rule that fits has drawn its own. */
  fault: FaultPolicy | undefined;
  injected: FaultDecision | undefined;
  /** Neither limited nor counted against a limit. */
  free = false;
  /** Field lines that a rule adds to the request. */
  requestLines: Uint8Array | undefined;
  /** Names, in lower case, of request fields that a rule drops or replaces. */
  requestDrops: ReadonlySet<string> | undefined;
  responseLines: Uint8Array | undefined;
  responseDrops: ReadonlySet<string> | undefined;
  /** Who gets a copy. */
  mirror:
    | { readonly cluster: Cluster<Upstream>; readonly group: EndpointGroup<Upstream> }
    | undefined;
  /** Hash of what the request is balanced by; -1 for none. */
  hash = -1;
  /** The session the request belongs to; empty for none. */
  stickyId = "";

  /** Forgets what rules made of the request before. */
  clear(): void {
    this.pathText = undefined;
    this.host = this.forwardedFor = this.forwardedHost = "";
    this.forwardedPort = this.deadlineAt = 0;
    this.rule = this.passedOver = "";
    this.fault = this.injected = undefined;
    this.free = false;
    this.requestLines = this.responseLines = undefined;
    this.requestDrops = this.responseDrops = undefined;
    this.mirror = undefined;
    this.hash = -1;
    this.stickyId = "";
  }

  /** Fills in another service that a rule sends to. How it is called is its own matter. */
  changeService(cluster: Cluster<Upstream>): void {
    this.cluster = cluster;
    this.responseMs = cluster.policy.responseMs;
    this.retry = cluster.policy.retry;
  }

  /** Fills in what most requests have; rules change it afterwards. */
  begin(cluster: Cluster<Upstream>, scope: "service" | "outside" | "local"): void {
    this.cluster = cluster;
    this.group = cluster.all;
    this.scope = scope;
    this.responseMs = cluster.policy.responseMs;
    this.retry = cluster.policy.retry;
    this.fault = cluster.policy.fault;
  }
}
