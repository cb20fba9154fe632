/** The form of the recorded exchanges, and where this registry answers differently on purpose. */

export interface Frame {
  readonly socket: string;
  readonly within_ms: number;
  readonly body: unknown;
  readonly volatile?: readonly string[];
}

export interface ExpectedResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface Exchange {
  readonly name: string;
  readonly level: "core" | "detail" | "quirk";
  readonly request?: {
    readonly method: string;
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: unknown;
    readonly bodyText?: string;
    readonly fill?: number;
    readonly upgrade?: string;
  };
  readonly response?: ExpectedResponse;
  readonly capture?: Readonly<Record<string, string>>;
  readonly volatile?: readonly string[];
  readonly unordered?: readonly string[];
  readonly differs?: Readonly<Record<string, string>>;
  readonly after_ms?: number;
  readonly opens?: string;
  readonly sendFrame?: { readonly socket: string; readonly text: string };
  readonly frames?: readonly Frame[];
  readonly silent?: readonly { readonly socket: string; readonly for_ms: number }[];
  readonly closed?: readonly {
    readonly socket: string;
    readonly within_ms: number;
    readonly code: number;
  }[];
}

export interface Recording {
  readonly topic: string;
  readonly exchanges: readonly Exchange[];
}

/** One exchange that this registry answers differently. */
export interface Deviation {
  readonly file: string;
  readonly index: number;
  readonly reason: string;
  /** What is expected instead, or sent instead. Every exchange is sent in one form or the other. */
  readonly instead: Partial<Exchange>;
}

const livingIdReason =
  "Registering a living id again stores the new data: a program that restarts with its old id must not keep its old address.";
const instanceHeaders = {
  "Content-Type": "application/json; charset=UTF-8",
  "X-Resource-Revision": "97784746be9a2d00f08bc72fe1ce5ff8c7d07ffe",
};
const jsonHeaders = { "Content-Type": "application/json; charset=UTF-8" };
const emptyHeaders = { "Content-Type": "text/plain; charset=UTF-8" };
const invalidParameters = { errorCode: "400001", errorMessage: "Invalid parameter(s)" };

/**
 * Exchanges that are no quirks and are answered differently all the same, because a rule for embedded registries
 * demands it. Nothing may be added here for convenience: clients depend on core, and detail is to pass.
 */
export const demandedDeviations: readonly string[] = ["batch-find.json 20"];

/** The one table of deviations. */
export const deviations: readonly Deviation[] = [
  {
    file: "errors.json",
    index: 5,
    reason:
      "New clients probe this path every 15 s and fall back to a bare connection on 404; an answer says more.",
    instead: { response: { status: 200, headers: jsonHeaders, body: {} } },
  },
  {
    file: "batch-find.json",
    index: 8,
    reason:
      "An alias is found in a batch as it is in a single find; the original forgets it there.",
    instead: {
      response: {
        status: 200,
        headers: jsonHeaders,
        body: {
          services: {
            failed: [{
              indexes: [1, 4],
              error: { errorCode: "400012", errorMessage: "Micro-service does not exist" },
            }],
            updated: [
              { index: 0, rev: "", instances: [bfInstance()] },
              { index: 2, rev: "" },
              { index: 3, rev: "" },
              { index: 5, rev: "", instances: [bfInstance()] },
            ],
          },
        },
      },
    },
  },
  {
    file: "batch-find.json",
    index: 20,
    reason:
      "Demanded of an embedded registry by the rules it is built to, against this recording: in a batch a malformed name fails alone (failed, 400001), because clients that keep such a name in their list would otherwise be blind for ever.",
    instead: {
      response: {
        status: 200,
        headers: jsonHeaders,
        body: {
          services: {
            failed: [{ indexes: [1], error: invalidParameters }],
            updated: [{ index: 0, rev: "{{rev}}", instances: [bfInstance()] }],
          },
        },
      },
      volatile: [
        "$.services.updated[*].instances[*].timestamp",
        "$.services.updated[*].instances[*].modTimestamp",
      ],
    },
  },
  {
    file: "client-startup.json",
    index: 8,
    reason: `${livingIdReason} Sent here with the first data, which later exchanges read again.`,
    instead: {
      request: {
        method: "POST",
        path: "/v4/default/registry/microservices/{{g}}/instances",
        headers: {
          "Content-Type": "application/json",
          "User-Agent": "go-client",
          "X-Domain-Name": "default",
        },
        body: {
          instance: {
            instanceId: "{{gi}}",
            serviceId: "{{g}}",
            endpoints: ["rest://10.0.0.5:30101", "rest-admin://127.0.0.1:30102"],
            hostName: "node-1",
            status: "UP",
            properties: { nodeIP: "" },
          },
        },
      },
    },
  },
  {
    file: "instances.json",
    index: 8,
    reason: livingIdReason,
    instead: {
      response: {
        status: 200,
        headers: instanceHeaders,
        body: {
          instance: {
            instanceId: "fx-ins.id-3",
            serviceId: "{{sid}}",
            endpoints: ["rest://10.0.0.4:8080"],
            hostName: "host-4",
            status: "DOWN",
            properties: { z: "y" },
            healthCheck: { mode: "push", interval: 30, times: 3 },
            timestamp: "1795398426",
            modTimestamp: "1795398426",
            version: "1.0.0",
          },
        },
      },
    },
  },
  {
    file: "status.json",
    index: 20,
    reason: "A trailing & is harmless; refusing in words what is done all the same helps nobody.",
    instead: { response: { status: 200, headers: emptyHeaders, body: null } },
  },
  {
    file: "status.json",
    index: 22,
    reason: "A status outside the list breaks clients that read it, so it is refused.",
    instead: { response: { status: 400, headers: jsonHeaders, body: invalidParameters } },
  },
  {
    file: "watch.json",
    index: 22,
    reason: "Watchers are told when instances vanish with their service.",
    instead: {
      silent: [],
      frames: [{
        socket: "w",
        within_ms: 5000,
        body: {
          action: "DELETE",
          key: {
            tenant: "default/default",
            appId: "fixapp",
            serviceName: "fx-wa-p",
            version: "2.0.0",
          },
          instance: {
            instanceId: "{{i3}}",
            serviceId: "{{p2}}",
            endpoints: ["rest://10.0.0.3:8080"],
            hostName: "host-3",
            status: "DOWN",
            healthCheck: { mode: "push", interval: 30, times: 3 },
            timestamp: "1795398436",
            modTimestamp: "1795398439",
            version: "2.0.0",
          },
        },
        volatile: ["$.instance.timestamp", "$.instance.modTimestamp"],
      }],
    },
  },
  {
    file: "watch.json",
    index: 23,
    reason: "The connection is closed in order after the notice; the runtime cannot just drop it.",
    instead: { closed: [{ socket: "wx", within_ms: 3000, code: 1000 }] },
  },
];

function bfInstance() {
  return {
    instanceId: "{{ip1}}",
    serviceId: "{{p1}}",
    endpoints: ["rest://10.0.0.1:8080"],
    hostName: "host-1",
    status: "UP",
    healthCheck: { mode: "push", interval: 30, times: 3 },
    timestamp: "1795398428",
    modTimestamp: "1795398428",
    version: "1.0.0",
  };
}
