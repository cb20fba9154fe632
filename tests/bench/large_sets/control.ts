/** The control half as the sidecar puts it together: cache, guard, feed; time moves when it is told to. */
import { DiscoveryCache } from "../../../lib/control/discovery/cache.ts";
import { ClusterFeed } from "../../../lib/control/discovery/cluster_feed.ts";
import { EndpointSlots } from "../../../lib/control/telemetry/endpoint_slots.ts";
import type { Clock, Logger } from "../../../lib/core/ports.ts";
import { firstServiceBlock, maxBlocks } from "../../../lib/plane/counters.ts";
import type { ClusterSnapshot } from "../../../lib/plane/messages.ts";
import { fakeBackend } from "../../support/registry_fakes.ts";
import type { LargeRegistry } from "./registry.ts";

export const quietLogger: Logger = {
  error: (message, fields) => console.error(message, fields),
  warn: (message, fields) => console.error(message, fields),
  info() {},
  debug() {},
};

export class ControlHalf {
  readonly cache: DiscoveryCache;
  readonly feed: ClusterFeed;
  readonly #registry: LargeRegistry;
  readonly #blocks = new Map<string, number>();
  /** What the clock is ahead of the real one. A service is asked for again no sooner than after a second. */
  #aheadMs = 0;

  constructor(registry: LargeRegistry, post: (cluster: ClusterSnapshot) => void) {
    this.#registry = registry;
    const clock: Clock = {
      now: () => performance.now() + this.#aheadMs,
      wall: () => Date.now() + this.#aheadMs,
      // Polls come when the measurement wants them.
      sleep: (_ms, signal) =>
        new Promise((resolve) =>
          signal?.addEventListener("abort", () => resolve(), { once: true })
        ),
    };
    const slots = new EndpointSlots({ clock });
    this.feed = new ClusterFeed({
      blockOf: (service) => this.#blockOf(service),
      lookupHost: () => Promise.reject(new Error("there are no host names here")),
      slotted: (cluster) => slots.assign(cluster),
      post,
      gone: () => {},
    });
    this.cache = new DiscoveryCache({
      backend: fakeBackend(registry),
      app: "default",
      environment: "",
      clock,
      random: Math.random,
      logger: quietLogger,
      probe: () => Promise.resolve(true),
      onSet: (set) => this.feed.publish(set),
      onGone: () => {},
    });
  }

  #blockOf(service: string): number {
    const block = this.#blocks.get(service) ?? firstServiceBlock + this.#blocks.size;
    this.#blocks.set(service, block);
    return block < maxBlocks ? block : 0;
  }

  async followAll(): Promise<void> {
    for (const name of this.#registry.services) {
      await this.cache.lookup(name);
      await this.feed.settled(name);
    }
  }

  /** Asks for one service and waits until what came was posted. Shape: what control itself took. Units: milliseconds. */
  async refresh(name: string): Promise<number> {
    this.#aheadMs += 2000;
    await this.cache.refresh(name);
    await this.feed.settled(name);
    return performance.now() - this.#registry.answeredAtMs;
  }
}
