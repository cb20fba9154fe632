/** Runs a table of conformance cases: bytes in, bytes out, and what becomes of both connections. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import type { FailureCode } from "../../lib/core/errors.ts";
import type { ListenerRole } from "../../lib/plane/messages.ts";
import { onBothNets, type Plane, startPlane } from "./plane.ts";
import type { PolicyChanges } from "./policy.ts";
import { answer, head, type RawPeer, RawUpstream } from "./raw.ts";

/** An answer that mesher gives itself. */
export interface Problem {
  readonly status: number;
  readonly code: FailureCode;
  readonly detail: RegExp;
}

/** One request as it reaches the upstream, and what the upstream does then. */
export interface Turn {
  /** The exact bytes that have to arrive. */
  readonly arrives: string;
  readonly answer?: string;
  /** What the upstream does with its connection after its answer; nothing where it is left out. */
  readonly then?: "end" | "reset" | "close";
  /** On a connection of its own rather than on that of the turn before. */
  readonly fresh?: true;
}

/**
 * One case. `{s}` in any text stands for the name of its service, `{p}` for the port of its upstream.
 *
 * Shape: without `arrives`, `turns` and `play` nothing may reach the upstream.
 */
export interface Case {
  readonly title: string;
  readonly send?: string;
  /** The client ends its side after what it sends. */
  readonly sendEnds?: true;
  readonly arrives?: string;
  /** A small answer where it is left out. */
  readonly answer?: string;
  readonly then?: Turn["then"];
  readonly turns?: readonly Turn[];
  /** What the client must receive, to the byte, or matching; the upstream's answers where it is left out. */
  readonly receives?: string | RegExp | Problem;
  /** A script in place of `send`, `turns` and `receives`. */
  readonly play?: (scene: Scene) => Promise<void>;
  /** What the client's connection is afterwards; open where it is left out. */
  readonly client?: "open" | "closed" | "reset";
  /**
   * What the upstream's connection is afterwards; kept for the next request where it is left out, none where nothing
   * arrives.
   */
  readonly upstream?: "kept" | "closed" | "none";
  readonly policy?: PolicyChanges;
  /** Host that the probe afterwards names, where it is not the service. */
  readonly probeHost?: string;
  /** Why the case cannot hold on portable sockets. */
  readonly nativeOnly?: string;
}

/** What a script has to work with. */
export interface Scene {
  readonly plane: Plane;
  readonly client: RawPeer;
  readonly upstream: RawUpstream;
  readonly service: string;
  /** The connection whose fate is looked at afterwards; set it with `accept`. */
  current: RawPeer | undefined;
  readonly accept: () => Promise<RawPeer>;
  /** Puts the names of this case into a text. */
  readonly fill: (text: string) => string;
}

export interface Group {
  readonly role?: ListenerRole;
  readonly policy?: PolicyChanges;
}

export const ok = answer("ok");

/** A GET of the case's service as the upstream gets it from the outbound side. */
export function arrived(requestLine: string, ...fields: readonly string[]): string {
  return head(requestLine, "Host: {s}", ...fields, "x-mesher-hops: 1");
}

export function problem(status: number, code: FailureCode, detail: RegExp): Problem {
  return { status, code, detail };
}

/** A request that is refused as malformed: nothing reaches the upstream and the connection ends. */
export function refused(
  title: string,
  send: string,
  { status = 400, detail, sendEnds }: { status?: number; detail: RegExp; sendEnds?: true },
): Case {
  return {
    title,
    send,
    receives: problem(status, "request_malformed", detail),
    client: "closed",
    ...(sendEnds ? { sendEnds } : {}),
  };
}

/** Registers one test per kind of socket that runs all cases of a group against one data plane. */
export function conformance(title: string, cases: readonly Case[], group: Group = {}): void {
  const titles = new Set(cases.map((each) => each.title));
  if (titles.size !== cases.length) throw new Error(`two cases of "${title}" have one title`);
  onBothNets(`conformance, ${title}`, async (net) => {
    const { role = "outbound" } = group;
    await using plane = await startPlane({
      net,
      roles: [role],
      ...(group.policy ? { policy: group.policy } : {}),
    });
    const failed: string[] = [];
    for (const [index, each] of cases.entries()) {
      if (net === "portable" && each.nativeOnly !== undefined) {
        console.log(`  skipped on portable sockets: ${each.title}: ${each.nativeOnly}`);
        continue;
      }
      try {
        await run(plane, { each, service: `Case${index}`, role });
      } catch (error) {
        failed.push(`${each.title}: ${error instanceof Error ? error.message : error}`);
      }
    }
    assert(failed.length === 0, `${failed.length} cases failed:\n\n${failed.join("\n\n")}`);
    await plane.quiet({ idle: 0 });
    assertEquals(plane.errors, []);
  });
}

async function run(
  plane: Plane,
  { each, service, role }: { each: Case; service: string; role: ListenerRole },
): Promise<void> {
  await using upstream = await RawUpstream.listen();
  // Known before the case begins: its time is not to pass while this process answers the question for the name.
  await plane.publish(service, [upstream.port]);
  const local: PolicyChanges = role === "inbound"
    ? { localPorts: [{ protocol: "rest", port: upstream.port }] }
    : {};
  const before = plane.policy;
  if (each.policy !== undefined || role === "inbound") {
    await plane.setPolicy({ ...local, ...each.policy });
  }
  const client = await plane.client(role);
  const scene: Scene = {
    plane,
    client,
    upstream,
    service,
    current: undefined,
    async accept() {
      return scene.current = await upstream.accept();
    },
    fill: (text) => text.replaceAll("{s}", service).replaceAll("{p}", String(upstream.port)),
  };
  try {
    if (each.play !== undefined) await each.play(scene);
    else await perform(scene, each);
    await checkEnds(scene, each);
    if (each.policy !== undefined) await plane.setPolicy(before);
    await probe(scene, each);
  } finally {
    client.close();
    if (each.policy !== undefined) await plane.setPolicy(before);
  }
}

async function perform(scene: Scene, each: Case): Promise<void> {
  const { client } = scene;
  client.send(scene.fill(each.send ?? ""));
  if (each.sendEnds) client.endWrite();
  const turns = each.turns ?? (each.arrives === undefined ? [] : [{
    arrives: each.arrives,
    ...(each.answer !== undefined ? { answer: each.answer } : {}),
    ...(each.then !== undefined ? { then: each.then } : {}),
  }]);
  for (const [index, turn] of turns.entries()) {
    if (index === 0 || turn.fresh) await scene.accept();
    const upstream = scene.current!;
    const expected = withDeadline(scene, scene.fill(turn.arrives));
    assertEquals(await upstream.take(expected.length), expected, "what arrived at the upstream");
    upstream.send(scene.fill(turn.answer ?? ok));
    if (turn.then === "end") upstream.endWrite();
    else if (turn.then === "reset") upstream.reset();
    else if (turn.then === "close") upstream.close();
  }
  const receives = each.receives ?? turns.map((turn) => turn.answer ?? ok).join("");
  if (typeof receives === "string") {
    const expected = scene.fill(receives);
    assertEquals(await client.take(expected.length), expected, "what the client received");
  } else if (receives instanceof RegExp) {
    const { head, body } = await client.message();
    assertMatch(head + body, receives);
  } else {
    await checkProblem(client, receives, each.send?.startsWith("HEAD ") === true);
  }
}

/** Every request to a service or application says how long its answer is waited for; the cases leave that out. */
export function withDeadline({ plane }: Pick<Scene, "plane">, request: string): string {
  const line = `x-mesher-deadline: ${
    String(plane.policy.traffic.fallback.responseMs).padStart(8)
  }\r\n`;
  const place = plane.supervisor.address("inbound") === undefined
    ? /(x-mesher-hops: \d+\r\n)()/g
    : /()(X-Forwarded-For: [^\r]*127\.0\.0\.1\r\n)/g;
  return request.replaceAll(place, `$1${line}$2`);
}

/** Waits until exactly these bytes have arrived. */
export async function expectBytes(scene: Scene, peer: RawPeer, text: string): Promise<void> {
  const expected = withDeadline(scene, scene.fill(text));
  assertEquals(await peer.take(expected.length), expected);
}

/** Reads an answer that mesher gave itself and checks all its parts. */
export async function checkProblem(
  client: RawPeer,
  expected: Problem,
  toHead = false,
): Promise<string> {
  const head = await client.head();
  assertEquals(Number(head.slice(9, 12)), expected.status, head);
  assertMatch(head, new RegExp(`^Proxy-Status: mesher; .*details="${expected.code}"\r$`, "m"));
  assertMatch(head, /^Content-Type: application\/problem\+json\r$/m);
  if (toHead) return head;
  const length = Number(/^Content-Length: (\d+)\r$/m.exec(head)?.[1]);
  const body = JSON.parse(await client.take(length));
  assertEquals([body.status, body.code], [expected.status, expected.code]);
  assertMatch(body.detail, expected.detail);
  return head;
}

function upstreamAfter({ current }: Scene, { upstream }: Case): NonNullable<Case["upstream"]> {
  return upstream ?? (current === undefined ? "none" : "kept");
}

/** What became of both connections. */
async function checkEnds(scene: Scene, each: Case): Promise<void> {
  const { client, upstream, current } = scene;
  const clientAfter = each.client ?? "open";
  const after = upstreamAfter(scene, each);
  if (clientAfter !== "open") {
    const expected = { text: "", end: clientAfter === "closed" ? "end" : "reset" };
    assertEquals(await client.rest(), expected, "the end of the client's connection");
  }
  assertEquals(current === undefined, after === "none", "connections to the upstream");
  assert(!upstream.unexpected, "an upstream connection nobody expected");
  if (after === "closed") await current!.closed();
}

/**
 * One more request shows whether both connections can still be used and nothing is left over on them. The short times
 * of a case do not hold for it any more.
 */
async function probe(scene: Scene, each: Case): Promise<void> {
  const { client, upstream, current } = scene;
  const probing = (each.client ?? "open") === "open" ? client : await scene.plane.client(
    scene.plane.supervisor.address("inbound") ? "inbound" : "outbound",
  );
  probing.send(scene.fill(head("GET /probe HTTP/1.1", `Host: ${each.probeHost ?? "{s}"}`)));
  const probed = upstreamAfter(scene, each) === "kept" ? current! : await upstream.accept();
  assertMatch(await probed.head(), /^GET \/probe HTTP\/1\.1\r\n/, "the probe after the case");
  probed.send(answer("probed"));
  const { head: probeHead, body } = await probing.message();
  assertEquals([probeHead.slice(0, 15), body], ["HTTP/1.1 200 OK", "probed"], "the probe's answer");
  if (probing !== client) probing.close();
}
