/** Who is sent what of the sets: whole ones, changes, and nothing twice. */
import { assert, assertEquals } from "@test/assert";
import { ClusterPosts } from "../../../lib/plane/cluster_posts.ts";
import type { ClusterSnapshot, ThreadMessage } from "../../../lib/plane/messages.ts";

function cluster(service: string, size: number, more: Partial<ClusterSnapshot> = {}) {
  const endpoints = Array.from({ length: size }, (_, index) => ({
    host: "10.0.0.1",
    port: index + 1,
    instanceId: `i${index}`,
    version: "1.0.0",
    mesher: false,
  }));
  return { service, block: 3, endpoints, unusable: [], ...more };
}

/** The base that a message builds upon; undefined for a whole set without pieces. */
function baseOf(message: ThreadMessage | undefined): number | undefined {
  return message?.kind === "cluster_change" ? message.change.base : undefined;
}

Deno.test("cluster posts, a small set is sent whole each time", () => {
  const one = cluster("Cart", 3);
  const posts = new ClusterPosts([one]);
  const held = new Map();
  assertEquals(posts.next(held, "Cart"), { kind: "cluster", cluster: one, number: 1 });
  posts.put(one);
  assertEquals(posts.next(held, "Cart"), { kind: "cluster", cluster: one, number: 2 });
});

Deno.test("cluster posts, of a large set each thread is sent the whole once and changes then", () => {
  const posts = new ClusterPosts([]);
  const [first, second] = [new Map(), new Map()];
  posts.put(cluster("Cart", 500));
  assertEquals(baseOf(posts.next(first, "Cart")), 0);
  posts.put(cluster("Cart", 501));
  const change = posts.next(first, "Cart");
  assertEquals(baseOf(change), 1);
  assert(change?.kind === "cluster_change" && change.change.splices.length === 3);
  assertEquals(baseOf(posts.next(second, "Cart")), 0);
  posts.put(cluster("Cart", 502));
  assertEquals([baseOf(posts.next(first, "Cart")), baseOf(posts.next(second, "Cart"))], [2, 2]);
});

Deno.test("cluster posts, two threads that have the same set are sent the same change", () => {
  const posts = new ClusterPosts([cluster("Cart", 500)]);
  const [first, second] = [new Map(), new Map()];
  const [one, other] = [posts.next(first, "Cart"), posts.next(second, "Cart")];
  assert(one?.kind === "cluster_change" && other?.kind === "cluster_change");
  assert(one.change === other.change);
});

Deno.test("cluster posts, a new thread begins with the small sets and is sent the large ones", () => {
  const posts = new ClusterPosts([cluster("Cart", 3), cluster("Bill", 257), cluster("Shop", 256)]);
  const { clusters, held } = posts.begin();
  assertEquals(clusters.map(({ service }) => service), ["Cart", "Shop"]);
  assertEquals(posts.missing(held), ["Bill"]);
  assertEquals(baseOf(posts.next(held, "Bill")), 0);
  assertEquals(posts.missing(held), []);
});

Deno.test("cluster posts, no change builds upon a set that a thread began with", () => {
  const posts = new ClusterPosts([cluster("Shop", 200)]);
  const { held } = posts.begin();
  posts.put(cluster("Shop", 201));
  assertEquals(baseOf(posts.next(held, "Shop")), 0);
  posts.put(cluster("Shop", 202));
  assertEquals(baseOf(posts.next(held, "Shop")), 2);
});

Deno.test("cluster posts, a service with another block is sent whole", () => {
  const posts = new ClusterPosts([cluster("Cart", 500)]);
  const held = new Map();
  posts.next(held, "Cart");
  posts.put(cluster("Cart", 500, { block: 4 }));
  assertEquals(baseOf(posts.next(held, "Cart")), 0);
});

Deno.test("cluster posts, of a service that is not followed nothing is sent", () => {
  const posts = new ClusterPosts([cluster("Cart", 3)]);
  posts.delete("Cart");
  assertEquals(posts.next(new Map(), "Cart"), undefined);
  assertEquals(posts.begin().clusters, []);
});
