/** The nouns that both planes share: services, instances, endpoints. Plain values only. */

export interface ServiceKey {
  readonly environment: string;
  readonly app: string;
  readonly name: string;
  readonly version: string;
}

export type InstanceStatus = "UP" | "DOWN" | "STARTING" | "TESTING" | "OUTOFSERVICE";

/** One dialable address of an instance for one protocol. `rest` is HTTP. */
export interface Endpoint {
  readonly protocol: string;
  /** Host name, IPv4, or IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
}

/** One registry record: a running copy of a service. */
export interface Instance {
  readonly instanceId: string;
  readonly serviceId: string;
  readonly app: string;
  readonly serviceName: string;
  readonly version: string;
  readonly status: InstanceStatus;
  readonly endpoints: readonly Endpoint[];
  readonly properties: Readonly<Record<string, string>>;
  readonly region?: string;
  readonly zone?: string;
}

/** A port of the application beside this sidecar. */
export interface LocalPort {
  /** `rest`, `grpc`, or `rest-admin` and the like. */
  readonly protocol: string;
  readonly port: number;
}

/** Instance property by which sidecars recognise each other; its value is the protocol level. */
export const MESHER_PROPERTY = "mesher";
