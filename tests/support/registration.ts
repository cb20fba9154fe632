/** A registration as sidecars in tests make it. */
import type { Registration } from "../../lib/control/registry/registry.ts";

/** Shape: the service `cart` of the application `shop`, with the changes in it. */
export function registrationOf(changes: Partial<Registration> = {}): Registration {
  return {
    key: { app: "shop", name: "cart", version: "1.0.0", environment: "" },
    instanceId: "i1",
    hostName: "vm1",
    endpoints: ["rest://10.0.0.7:30103"],
    ports: [],
    properties: {},
    status: "UP",
    lease: { intervalMs: 30_000, times: 3 },
    ...changes,
  };
}
