/** Consistent hash: keys stay, newcomers take over by and by, and a hot key may spread. */
import { assert, assertEquals } from "@test/assert";
import { type Candidate, notYet } from "../../../../lib/data/balance/candidate.ts";
import { ConsistentHash } from "../../../../lib/data/balance/consistent_hash.ts";
import { hashText } from "../../../../lib/core/hash.ts";
import { WarmUp } from "../../../../lib/data/balance/warm_up.ts";
import { candidate, candidatesOf, request, tally } from "../../../support/candidates.ts";

const keys = Array.from({ length: 4_000 }, (_, index) => hashText(`user-${index}`));
const make = () => new ConsistentHash(new WarmUp(30_000));

Deno.test("consistent hash, a key has the same endpoint in every sidecar", () => {
  const list = candidatesOf(20);
  const one = make();
  const other = make();
  for (const hash of keys) {
    assertEquals(
      one.pick(list, request(1, { hash })),
      other.pick([...list], request(2, { hash })),
    );
  }
});

Deno.test("consistent hash, a request without the key goes where least is under way", () => {
  const balancer = make();
  const list = [candidate(1, { open: 4 }), candidate(2)];
  const at = request(3);
  const counts = tally(2, Array.from({ length: 100 }, () => balancer.pick(list, at)));
  assertEquals(counts, [0, 100]);
});

Deno.test("consistent hash, one of fifty leaves and returns: a fiftieth of the keys moves, and moves back", () => {
  const balancer = make();
  const list = candidatesOf(50);
  const owners = (of: readonly Candidate[]) =>
    keys.map((hash) => of[balancer.pick(of, request(1, { hash }))]!.key);
  const before = owners(list);
  const during = owners(list.filter((_, index) => index !== 7));
  const moved = during.filter((key, index) => key !== before[index]).length;
  assert(moved > 40 && moved < 130, `${moved} of ${keys.length}`);
  assertEquals(owners([...list]), before);
});

Deno.test("consistent hash, a newcomer takes its keys over one by one and each of them once", () => {
  const balancer = make();
  const newcomer = candidate(10, { warmFromMs: notYet });
  const list = [...candidatesOf(9), newcomer];
  const settled = new ConsistentHash(new WarmUp(0));
  const old = keys.map((hash) => settled.pick(list.slice(0, 9), request(1, { hash })));
  const final = keys.map((hash) => settled.pick(list, request(1, { hash })));
  const own = final.filter((index) => index === 9).length;
  let taken = new Set<number>();
  for (const [warmForMs, share] of [[0, 0.1], [9_000, 0.3], [15_000, 0.5], [30_000, 1]] as const) {
    newcomer.warmFromMs = 1_000 - warmForMs;
    const now = keys.map((hash) => balancer.pick(list, request(1, { hash })));
    const has = new Set(now.flatMap((index, key) => index === 9 ? [key] : []));
    assert(Math.abs(has.size / own - share) < 0.08, `${has.size} of ${own} at ${share}`);
    // Whatever it has not taken yet is where it was, and what it took it keeps.
    for (const [key, index] of now.entries()) if (index !== 9) assertEquals(index, old[key]);
    for (const key of taken) assert(has.has(key));
    taken = has;
  }
  assertEquals(taken.size, own);
});

Deno.test("consistent hash, all of them new: they share the keys alike", () => {
  const list = candidatesOf(6, { warmFromMs: notYet });
  const balancer = make();
  const counts = tally(
    6,
    keys.map((hash) => balancer.pick(list, request(1, { hash }))),
  );
  assert(Math.min(...counts) > 400, `${counts}`);
});

Deno.test("consistent hash, a key everybody wants spreads over a few, others stay where they are", () => {
  const balancer = make();
  const list = candidatesOf(20);
  const hash = keys[0]!;
  const owner = balancer.pick(list, request(1, { hash }));
  const used = new Set<number>();
  for (let call = 0; call < 200; call++) {
    const index = balancer.pick(list, request(1, { hash }));
    used.add(index);
    list[index]!.open++;
  }
  assert(used.has(owner) && used.size >= 2 && used.size <= 4, `${[...used]}`);
  const idle = candidatesOf(20);
  for (const other of keys.slice(1, 500)) {
    const home = make().owner(idle, { hash: other, nowMs: 0 });
    if (!used.has(home)) assertEquals(balancer.pick(list, request(1, { hash: other })), home);
  }
});

Deno.test("consistent hash, everyone equally busy: keys stay with their owners", () => {
  const balancer = make();
  const list = candidatesOf(20, { open: 500 });
  for (const hash of keys.slice(0, 300)) {
    assertEquals(
      balancer.pick(list, request(1, { hash })),
      balancer.owner(list, { hash, nowMs: 1_000 }),
    );
  }
});
