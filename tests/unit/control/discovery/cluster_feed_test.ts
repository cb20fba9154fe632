/** Sets become snapshots in order, however long the names of their hosts take. */
import { assertEquals } from "@test/assert";
import type { ClusterSnapshot } from "../../../../lib/plane/messages.ts";
import { ClusterFeed } from "../../../../lib/control/discovery/cluster_feed.ts";
import type { HostAnswer } from "../../../../lib/control/discovery/hosts.ts";
import type { ServiceSet } from "../../../../lib/control/discovery/service_set.ts";

function set(service: string, ...hosts: string[]): ServiceSet {
  return {
    service,
    instances: hosts.map((host, index) => ({
      instanceId: `i${index}`,
      serviceId: "s",
      app: "default",
      serviceName: service,
      version: "1.0.0",
      status: "UP" as const,
      endpoints: [{ protocol: "rest", host, port: 80, secure: false }],
      properties: {},
    })),
  };
}

function setUp() {
  const posted: ClusterSnapshot[] = [];
  const gone: string[] = [];
  const lookups = new Map<string, (answer: HostAnswer) => void>();
  const feed = new ClusterFeed({
    blockOf: () => 3,
    lookupHost: (name) => new Promise((resolve) => lookups.set(name, resolve)),
    post: (cluster) => posted.push(cluster),
    gone: (service) => gone.push(service),
  });
  const hosts = () => posted.map((cluster) => cluster.endpoints.map((each) => each.host).join());
  return { feed, posted, gone, lookups, hosts };
}

Deno.test("cluster feed, settles once the newest set was posted", async () => {
  const { feed, hosts } = setUp();
  feed.publish(set("Cart", "10.0.0.1"));
  feed.publish(set("Cart", "10.0.0.2"));
  await feed.settled("Cart");
  assertEquals(hosts(), ["10.0.0.2"]);
});

Deno.test("cluster feed, an older set whose host is found late does not replace a newer one", async () => {
  const { feed, hosts, lookups } = setUp();
  feed.publish(set("Cart", "slow.example"));
  feed.publish(set("Cart", "10.0.0.2"));
  await feed.settled("Cart");
  lookups.get("slow.example")!({ kind: "host", addresses: ["10.0.0.1"] });
  await feed.settled("Cart");
  assertEquals(hosts(), ["10.0.0.2"]);
});

Deno.test("cluster feed, repeats what it posted last for those who ask again", async () => {
  const { feed, hosts } = setUp();
  feed.publish(set("Cart", "10.0.0.1"));
  await feed.repeat("Cart");
  await feed.repeat("Unheard");
  assertEquals(hosts(), ["10.0.0.1", "10.0.0.1"]);
});

Deno.test("cluster feed, a forgotten service is said to be gone and not posted any more", async () => {
  const { feed, gone, hosts, lookups } = setUp();
  feed.publish(set("Cart", "slow.example"));
  feed.forget("Cart");
  lookups.get("slow.example")!({ kind: "host", addresses: ["10.0.0.1"] });
  await feed.settled("Cart");
  assertEquals([gone, hosts(), feed.clusters.size], [["Cart"], [], 0]);
});

Deno.test("cluster feed, an instance that stays has the same endpoint record in the next set", async () => {
  const { feed, posted } = setUp();
  const one = set("Cart", "10.0.0.1", "10.0.0.2", "10.0.0.3");
  feed.publish(one);
  await feed.settled("Cart");
  feed.publish({ ...one, instances: one.instances.filter((_, index) => index !== 1) });
  await feed.settled("Cart");
  const [first, second] = posted.map((cluster) => cluster.endpoints);
  assertEquals([second![0] === first![0], second![1] === first![2], second!.length], [
    true,
    true,
    2,
  ]);
});

Deno.test("cluster feed, the host of an instance that stays is looked up anew", async () => {
  const { feed, hosts, lookups } = setUp();
  const one = set("Cart", "cart.example");
  for (const address of ["10.0.0.1", "10.0.0.2"]) {
    feed.publish({ ...one });
    lookups.get("cart.example")!({ kind: "host", addresses: [address] });
    await feed.settled("Cart");
  }
  assertEquals(hosts(), ["10.0.0.1", "10.0.0.2"]);
});
