/** What a registry backend has to offer: three small interfaces, implemented one file per backend. */
import type { Instance, InstanceStatus, LocalPort, ServiceKey } from "../../core/types.ts";

/** Which service is asked for, as seen by the asking application. */
export interface ServiceQuery {
  readonly app: string;
  readonly name: string;
  readonly environment: string;
}

/**
 * The answer to "what is the whole current set of this service?".
 *
 * `unknown`: the registry is sure that there is no such service. `unchanged`: the set of `revision` still holds.
 */
export type FindAnswer =
  | { readonly kind: "set"; readonly revision: string; readonly instances: readonly Instance[] }
  | { readonly kind: "unchanged" }
  | { readonly kind: "unknown" };

/** Whose service names are wanted. */
export interface NamesScope {
  readonly app: string;
  readonly environment: string;
  /** Only services that let other applications find them, where the registry knows of such a thing. */
  readonly sharedOnly?: boolean;
}

/** Reads sets of instances. */
export interface Discovery {
  /**
   * The whole current set of one service, of every version and status.
   *
   * Shape: `revision` is that of the last set this caller holds, undefined for none.
   * Errors: RegistryError. Anything but a definite answer is an error, never an empty set.
   */
  find(query: ServiceQuery, revision: string | undefined, signal: AbortSignal): Promise<FindAnswer>;
  /** All service names of an application, for the case-insensitive index. Errors: RegistryError. */
  names(scope: NamesScope, signal: AbortSignal): Promise<readonly string[]>;
}

/** How the watch of a registry is doing. */
export interface WatchState {
  readonly connected: boolean;
  /** Connections made since the start; each after the first is a reconnect. */
  readonly connects: number;
  /** Monotonic; when `connected` last changed. */
  readonly sinceMs?: number;
  /** Why it is not connected. */
  readonly why?: string;
}

/** Tells early that something changed. The whole set is then asked for; the event itself is not believed. */
export interface Watch {
  /** Calls `changed` with a service name, or undefined when anything may have changed, until `signal` aborts. */
  watch(changed: (name: string | undefined) => void, signal: AbortSignal): Promise<void>;
  /** Left out where there is no connection that could break. */
  readonly state?: WatchState;
}

/** The text that describes one interface of a service, for consumers that call by such descriptions. */
export interface SchemaText {
  readonly id: string;
  readonly text: string;
  /** SHA-256 of the text in hexadecimal digits. */
  readonly summary: string;
}

/** What a sidecar publishes about its application. */
export interface Registration {
  readonly key: ServiceKey;
  /** Left out: none; what the registry has stays. */
  readonly schemas?: readonly SchemaText[];
  /** Stable over restarts of the process where the caller can keep it. */
  readonly instanceId?: string;
  readonly hostName: string;
  /** Endpoint strings such as `rest://10.0.0.7:30103`, in the order of `ports`. */
  readonly endpoints: readonly string[];
  readonly ports: readonly LocalPort[];
  readonly properties: Readonly<Record<string, string>>;
  readonly status: InstanceStatus;
  readonly region?: string;
  readonly zone?: string;
  readonly lease: { readonly intervalMs: number; readonly times: number };
}

export interface Lease {
  readonly serviceId: string;
  readonly instanceId: string;
}

/** Keeps one own instance in the registry. */
export interface Registrar {
  /** Creates service and instance, or confirms them. Errors: RegistryError. */
  register(registration: Registration, signal: AbortSignal): Promise<Lease>;
  /** Renews the lease. Errors: RegistryError, `lease_lost` when the registry no longer knows it. */
  heartbeat(lease: Lease, signal: AbortSignal): Promise<void>;
  setStatus(lease: Lease, status: InstanceStatus, signal: AbortSignal): Promise<void>;
  deregister(lease: Lease, signal: AbortSignal): Promise<void>;
  /**
   * Calls `listener` when something other than a heartbeat shows that the registry has lost the own service, until
   * `signal` aborts. Left out where nothing but a heartbeat can show it.
   */
  whenLost?(listener: () => void, signal: AbortSignal): void;
  /**
   * When the registry last gave no answer to anything this process asked: leases lost soon after were lost by many.
   *
   * Units: milliseconds of the monotonic clock; undefined for never.
   */
  disturbedAtMs?(): number | undefined;
}

/** Something that lets a registry's lists be doubted for a while: it was away, or has lost what it was told. */
export interface RegistrySign {
  /** Monotonic. */
  readonly atMs: number;
  /** Continues "because". */
  readonly why: string;
}

/** One backend. A backend that cannot register (a file) has no registrar. */
export interface RegistryBackend {
  readonly kind: string;
  readonly address: string;
  readonly discovery: Discovery;
  readonly registrar?: Registrar;
  readonly watch?: Watch;
  /** The newest sign of trouble that any part of the backend has seen; left out where there can be none. */
  lastSign?(): RegistrySign | undefined;
  close(): Promise<void>;
}

export type RegistryErrorCode =
  /** No answer, a 5xx, a refused connection: keep what is known and try again. */
  | "unreachable"
  /** The registry does not know the lease (any more): register again. */
  | "lease_lost"
  /** The request was understood and refused: do not repeat it unchanged. */
  | "refused"
  /** Not allowed, or no room: worth another try in minutes, not sooner. */
  | "forbidden"
  /** The answer makes no sense. */
  | "garbled";

/** The one error of registry backends. */
export class RegistryError extends Error {
  override readonly name = "RegistryError";
  constructor(readonly code: RegistryErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}
