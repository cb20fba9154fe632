/** Everything the admin API shows and does, as one interface that the composition root fills in. */
import type { Hono } from "hono";
import type { Explanation, RequestRecord } from "../../plane/observe.ts";
import type { FailureQuery } from "../telemetry/failures.ts";
import type { LiveFeed } from "./live.ts";
import type { DoctorReport } from "./shapes/doctor.ts";
import type { ColumnsView, ExplainBody, FailuresView } from "./shapes/events.ts";
import type {
  ListedEndpoint,
  ServiceDetail,
  ServiceRules,
  ServiceView,
} from "./shapes/services.ts";
import type {
  ConfigurationSources,
  ConnectionsView,
  LeaseView,
  LogLevel,
  ReloadOutcome,
  SnapshotsView,
  StatusView,
} from "./shapes/state.ts";
import type { Readiness } from "./shapes/readiness.ts";

export interface MetricsText {
  readonly type: string;
  readonly text: string;
}

/** Which history is wanted. `sinceAt`: only buckets that ended after it, in milliseconds since 1970. */
export interface HistoryQuery {
  readonly scope: "all" | "inbound" | "rest" | { readonly service: string };
  readonly sinceAt?: number | undefined;
}

export interface HistoryAnswer {
  readonly bucketMs: number;
  readonly aggregated: boolean;
  readonly columns: ColumnsView;
}

/** Which requests a tap wants; every member that is there has to fit. */
export interface TapQuery {
  readonly role?: "outbound" | "inbound" | undefined;
  readonly service?: string | undefined;
  readonly method?: string | undefined;
  readonly pathPrefix?: string | undefined;
  /** As 503, or as 5 for its class. */
  readonly status?: number | undefined;
  readonly failuresOnly?: boolean | undefined;
  readonly perSecond: number;
}

/** `dropped`: so many requests came faster than they were read. */
export type Tapped = RequestRecord | { readonly dropped: number };

/** The part that only tells. Read at the moment of the request, and cheap. */
export interface AdminReadings {
  readiness(): Readiness;
  /** Shape: in the format that the Accept field asks for. */
  metrics(accept?: string): MetricsText;
  status(): StatusView;
  services(): readonly ServiceView[];
  /** Shape: undefined for a service that is not followed. */
  service(name: string): ServiceDetail | undefined;
  endpoints(): readonly ListedEndpoint[];
  rules(): readonly ServiceRules[];
  connections(): ConnectionsView;
  leases(): readonly LeaseView[];
  /** The effective values, secrets masked. */
  configuration(): Readonly<Record<string, unknown>>;
  configurationSources(): ConfigurationSources;
  snapshots(): SnapshotsView;
  failures(query: FailureQuery): FailuresView;
  history(query: HistoryQuery): HistoryAnswer;
  logLevel(): LogLevel;
}

/** The part that does something. */
export interface AdminActions {
  setLogLevel(level: LogLevel): void;
  /** Takes the application out of the mesh; does not wait for it. */
  drain(): void;
  /** Loads the configuration again. Never rejects. */
  reload(): Promise<ReloadOutcome>;
  /** Errors: when no data thread answers in time. */
  explain(question: ExplainBody): Promise<Explanation>;
  /** Looks for what is wrong with the sidecar and around it; takes seconds. Errors: when it cannot look at all. */
  doctor(): Promise<DoctorReport>;
  /** Shape: ends when the signal aborts; undefined when too many listen already. */
  tap(query: TapQuery, signal: AbortSignal): AsyncIterable<Tapped> | undefined;
}

export interface AdminView extends AdminReadings, AdminActions {
  readonly version: string;
  /** Undefined: nobody is asked for one. */
  readonly token?: string | undefined;
  /** Where the API listens: names by which it may be called. Undefined: over a unix socket, by any name. */
  readonly host?: string | undefined;
  /** Of this machine, for callers from elsewhere. */
  readonly hostName?: string | undefined;
  readonly live: LiveFeed;
  /** Its paths begin with /policies. */
  readonly policies?: Hono | undefined;
}
