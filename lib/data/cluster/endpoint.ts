/** One dialable address of a service with its live state in one data thread. */
import type { Address } from "../../core/address.ts";
import { formatHostPort } from "../../core/address.ts";
import type { EndpointSnapshot } from "../../plane/messages.ts";
import { IdlePool, type Poolable, type PoolGauge } from "../net/pool.ts";

/** How long a sidecar's word that it drains is remembered. Units: milliseconds. */
const drainingMs = 30_000;

export class EndpointState<Connection extends Poolable> {
  readonly key: string;
  readonly address: Address;
  readonly idle: IdlePool<Connection>;
  snapshot: EndpointSnapshot;
  /** Passed over until then. Units: milliseconds on the thread's clock. */
  ejectedUntil = 0;
  drainingUntil = 0;
  /** No longer in the snapshot: open requests finish, their connections are not kept. */
  retired = false;
  consecutiveFailures = 0;

  constructor(snapshot: EndpointSnapshot, gauge: PoolGauge) {
    this.snapshot = snapshot;
    this.key = endpointKey(snapshot);
    this.address = { host: snapshot.host, port: snapshot.port };
    this.idle = new IdlePool(gauge);
  }

  /** Takes over a newer record of the same address. A new instance behind it starts with a clean slate. */
  update(snapshot: EndpointSnapshot): void {
    if (snapshot.instanceId !== this.snapshot.instanceId) {
      this.ejectedUntil = this.drainingUntil = 0;
      this.consecutiveFailures = 0;
      this.idle.closeAll();
    }
    this.snapshot = snapshot;
  }

  /** The peer's sidecar says that it shuts down: no new requests go there. */
  drain(nowMs: number): void {
    this.drainingUntil = nowMs + drainingMs;
    this.idle.closeAll();
  }

  eject(nowMs: number, ejectMs: number): void {
    this.ejectedUntil = nowMs + ejectMs;
    this.idle.closeAll();
  }

  retire(): void {
    this.retired = true;
    this.idle.closeAll();
  }
}

export function endpointKey(address: { readonly host: string; readonly port: number }): string {
  return formatHostPort(address.host, address.port);
}
