/** A cluster whose endpoints are told apart by their ports. */
import type { ClusterSnapshot } from "../../../../lib/plane/messages.ts";

/** Shape: with `slots`, an endpoint's slot has the number of its port. */
export function clusterOf(
  service: string,
  ports: readonly number[],
  { slots = false } = {},
): ClusterSnapshot {
  return {
    service,
    block: 3,
    unusable: [],
    endpoints: ports.map((port) => ({
      host: "10.0.0.1",
      port,
      instanceId: `i${port}`,
      version: "1.0.0",
      mesher: false,
      ...(slots ? { slot: port } : {}),
    })),
  };
}
