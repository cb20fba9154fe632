/** A dial that finds no descriptor: a short wait for one, or for a connection that becomes idle. */
import { assertEquals, rejection } from "@test/assert";
import { MeshError } from "../../../../lib/core/errors.ts";
import { dialPatiently, type Upstream } from "../../../../lib/data/proxy/upstream.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

const shortage = new MeshError("concurrency_limit", "no descriptor");
const refused = new MeshError("connect_refused", "nobody listens");
/** Only who it is matters here. */
const fresh = {} as Upstream;
const idle = {} as Upstream;

interface Story {
  /** What each dial comes to, in turn; the last one stands for all further ones. */
  readonly dials: readonly (Upstream | MeshError)[];
  readonly leftMs?: number;
  /** From when on there is an idle connection, or the client is gone. */
  readonly idleAtMs?: number;
  readonly goneAtMs?: number;
}

async function play({ dials, goneAtMs = Infinity, idleAtMs = Infinity, leftMs = 5000 }: Story) {
  const clock = new FakeClock({ nowMs: 0 });
  const dialled: (readonly [atMs: number, leftMs: number])[] = [];
  const dialling = dialPatiently(clock, (left) => {
    const result = dials[Math.min(dialled.length, dials.length - 1)]!;
    dialled.push([clock.now(), left]);
    return result instanceof MeshError ? Promise.reject(result) : Promise.resolve(result);
  }, {
    leftMs,
    gone: () => clock.now() >= goneAtMs,
    idle: () => clock.now() >= idleAtMs ? idle : undefined,
  });
  const settled = dialling.then((got) => got, (error: MeshError) => error);
  await clock.advance(1000);
  return { got: await settled, dialled, sleeping: clock.sleeping };
}

const stories: readonly (readonly [
  title: string,
  story: Story,
  got: Upstream | MeshError,
  dialled: readonly (readonly [number, number])[],
])[] = [
  ["one that succeeds waits for nothing", { dials: [fresh] }, fresh, [[0, 5000]]],
  ["one that is refused is not repeated", { dials: [refused] }, refused, [[0, 5000]]],
  ["a descriptor that becomes free is used", { dials: [shortage, fresh] }, fresh, [
    [0, 5000],
    [40, 4960],
  ]],
  ["none that becomes free is told after the second try", { dials: [shortage] }, shortage, [
    [0, 5000],
    [40, 4960],
  ]],
  ["an idle connection comes sooner", { dials: [shortage], idleAtMs: 15 }, idle, [[0, 5000]]],
  ["nobody waits for a client that left", { dials: [shortage, fresh], goneAtMs: 5 }, shortage, [
    [0, 5000],
  ]],
  ["the request's own time bounds the wait", { dials: [shortage, fresh], leftMs: 25 }, fresh, [
    [0, 25],
    [20, 5],
  ]],
  ["no time left is no second try", { dials: [shortage, fresh], leftMs: 8 }, shortage, [[0, 8]]],
];

for (const [title, story, got, dialled] of stories) {
  Deno.test(`dial without a descriptor, ${title}`, async () => {
    const outcome = await play(story);
    assertEquals(outcome.got === got, true);
    assertEquals([outcome.dialled, outcome.sleeping], [dialled, 0]);
  });
}

Deno.test("dial without a descriptor, another failure of the second try is told as it is", async () => {
  const clock = new FakeClock({ nowMs: 0 });
  let tries = 0;
  const dialling = dialPatiently(
    clock,
    () => Promise.reject(tries++ === 0 ? shortage : refused),
    { leftMs: Infinity, gone: () => false, idle: () => undefined },
  );
  const failure = rejection(dialling);
  await clock.advance(100);
  assertEquals(await failure === refused, true);
});
