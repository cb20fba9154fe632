/** One call to a Service Center: which answers are definite, which address comes next, what is bounded. */
import { assert, assertEquals, assertMatch, rejection } from "@test/assert";
import type { Fetch } from "../../../../lib/core/ports.ts";
import { RegistryError } from "../../../../lib/control/registry/registry.ts";
import { ServiceCenterHttp } from "../../../../lib/control/registry/service_center_http.ts";
import { RegistrySigns } from "../../../../lib/control/registry/signs.ts";
import { TokenSource } from "../../../../lib/control/registry/token.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { RecordingLogger } from "../../../support/registry_fakes.ts";

const open = () => new AbortController().signal;
const get = { kind: "find", method: "GET", path: "/x" } as const;

function caller(fetch: Fetch, addresses = ["http://a", "http://b"]) {
  const clock = new FakeClock();
  const closed = new AbortController();
  const http = new ServiceCenterHttp({
    addresses,
    fetch,
    clock,
    random: () => 0,
    start: 0,
    project: "default",
    domain: "default",
    timeoutMs: 5_000,
    isolateMs: 30_000,
    signs: new RegistrySigns(clock),
    closed: closed.signal,
  });
  return { clock, http, closed };
}

async function failure(promise: Promise<unknown>): Promise<RegistryError> {
  const error = await rejection(promise);
  assert(error instanceof RegistryError);
  return error;
}

Deno.test("service center call, carries tenant, caller and body and reads the revision", async () => {
  const seen: Request[] = [];
  const { http } = caller((url, init) => {
    seen.push(new Request(url, init));
    return Promise.resolve(Response.json({ a: 1 }, { headers: { "X-Resource-Revision": "r7" } }));
  });
  const answer = await http.call(
    { kind: "register", method: "POST", path: "/x?y=1", body: { b: 2 }, consumerId: "me" },
    open(),
  );
  assertEquals(answer, { kind: "ok", status: 200, revision: "r7", body: { a: 1 } });
  const request = seen[0]!;
  assertEquals(request.url, "http://a/v4/default/registry/x?y=1");
  assertEquals(request.headers.get("X-Domain-Name"), "default");
  assertEquals(request.headers.get("X-ConsumerId"), "me");
  assertEquals(await request.json(), { b: 2 });
});

Deno.test("service center call, an empty 200 and a 304 have no body", async () => {
  for (const status of [200, 304]) {
    const { http } = caller(() => Promise.resolve(new Response(null, { status })));
    assertEquals(await http.call(get, open()), {
      kind: "ok",
      status,
      revision: undefined,
      body: undefined,
    });
  }
});

Deno.test("service center call, a structured 400 is a definite answer and no second address is asked", async () => {
  let calls = 0;
  const { http } = caller(() => {
    calls++;
    return Promise.resolve(
      Response.json({ errorCode: "400012", errorMessage: "no", detail: "such" }, { status: 400 }),
    );
  });
  assertEquals(await http.call(get, open()), {
    kind: "error",
    status: 400,
    errorCode: "400012",
    message: "400012 no: such",
    decision: "check_own_service",
  });
  assertEquals(calls, 1);
});

for (
  const [what, first] of [
    ["a refused connection", () => Promise.reject(new TypeError("connection refused"))],
    ["a 500", () => Promise.resolve(new Response("broken", { status: 500 }))],
    ["a 429", () => Promise.resolve(new Response("slow down", { status: 429 }))],
    ["a page that is no JSON", () => Promise.resolve(new Response("<html>hello</html>"))],
    ["half a JSON text", () => Promise.resolve(new Response('{"instances":[{"a":'))],
    ["a 404 page", () => Promise.resolve(new Response("404 page not found", { status: 404 }))],
    ["a redirect", () => Promise.resolve(new Response(null, { status: 301 }))],
  ] as const
) {
  Deno.test(`service center call, after ${what} the next address is asked and kept`, async () => {
    const asked: string[] = [];
    const { http } = caller((url) => {
      asked.push(new URL(url).host);
      return url.startsWith("http://a/") ? first() : Promise.resolve(Response.json({}));
    });
    assertEquals((await http.call(get, open())).kind, "ok");
    await http.call(get, open());
    assertEquals(asked, ["a", "b", "b"]);
  });
}

Deno.test("service center call, says garbled for nonsense and unreachable for silence", async () => {
  const garbled = caller(() => Promise.resolve(new Response("hello")));
  assertEquals((await failure(garbled.http.call(get, open()))).code, "garbled");
  const silent = caller(() => Promise.reject(new Error("connection refused")));
  const error = await failure(silent.http.call(get, open()));
  assertEquals(error.code, "unreachable");
  assertMatch(error.message, /http:\/\/b did not answer: connection refused/);
});

Deno.test("service center call, a registry that accepts and never answers is given up after its time", async () => {
  const { http, clock } = caller(() => new Promise(() => {}), ["http://a", "http://b", "http://c"]);
  const beganMs = clock.now();
  let endedMs = 0;
  const failed = failure(http.call(get, open())).then((error) => {
    endedMs = clock.now();
    return error;
  });
  await clock.advance(60_000);
  assertEquals((await failed).code, "unreachable");
  assertEquals(endedMs - beganMs, 10_000);
  assertEquals(clock.sleeping, 0);
});

Deno.test("service center call, an answer that trickles in is given up after the same time", async () => {
  const trickle = new ReadableStream({ start: (c) => c.enqueue(new TextEncoder().encode("{")) });
  const { http, clock } = caller(() => Promise.resolve(new Response(trickle)), ["http://a"]);
  const failed = failure(http.call(get, open()));
  await clock.advance(5_000);
  assertMatch((await failed).message, /no answer within 5000 ms/);
});

Deno.test("service center call, an answer beyond the bound is refused, announced or not", async () => {
  const announced = caller(
    () => Promise.resolve(new Response("{}", { headers: { "Content-Length": "2000" } })),
    ["http://a"],
  );
  const large = { ...get, maxBytes: 1_000 };
  assertMatch((await failure(announced.http.call(large, open()))).message, /larger than 1000/);
  let cancelled = false;
  const endless = new ReadableStream({
    pull: (c) => c.enqueue(new Uint8Array(600)),
    cancel: () => void (cancelled = true),
  });
  const streamed = caller(() => Promise.resolve(new Response(endless)), ["http://a"]);
  assertEquals((await failure(streamed.http.call(large, open()))).code, "garbled");
  assert(cancelled);
});

Deno.test("service center call, a caller that stops gets its error at once and no address is blamed", async () => {
  const { http } = caller(() => new Promise(() => {}));
  const stop = new AbortController();
  const failed = failure(http.call(get, stop.signal));
  stop.abort();
  assertEquals((await failed).message, "the call was given up");
});

Deno.test("service center call, closing the backend ends the calls under way and refuses new ones", async () => {
  const { http, clock, closed } = caller(() => new Promise(() => {}));
  const failed = failure(http.call(get, open()));
  closed.abort();
  assertEquals((await failed).message, "the call was given up");
  assertEquals((await failure(http.call(get, open()))).message, "the call was given up");
  assertEquals(clock.sleeping, 0);
});

Deno.test("service center call, without any address the error says so", async () => {
  const { http } = caller(() => Promise.resolve(Response.json({})), []);
  assertMatch((await failure(http.call(get, open()))).message, /no registry address/);
});

/** Answers by address; remembers what was asked, without the base path. */
function clusterOf(
  answers: Readonly<Record<string, () => Response | Promise<Response>>>,
  options: { readonly tcp?: boolean } = {},
) {
  const clock = new FakeClock();
  const closed = new AbortController();
  const asked: string[] = [];
  const probed: string[] = [];
  const http = new ServiceCenterHttp({
    addresses: Object.keys(answers),
    fetch: (url) => {
      const { origin, pathname } = new URL(url);
      asked.push(`${origin} ${pathname.replace("/v4/default/registry", "")}`);
      return Promise.resolve(answers[origin]!());
    },
    clock,
    random: () => 0.5,
    start: 0,
    project: "default",
    domain: "default",
    timeoutMs: 5_000,
    isolateMs: 30_000,
    probe: (host, port) => {
      probed.push(`${host}:${port}`);
      return Promise.resolve(options.tcp ?? true);
    },
    signs: new RegistrySigns(clock),
    closed: closed.signal,
  });
  return { clock, closed, http, asked, probed };
}

for (
  const [what, readiness, tcp, usable, probes] of [
    ["200", () => Response.json({}), false, true, []],
    ["404 and a connection is accepted", () => new Response("", { status: 404 }), true, true, [
      "a:1",
    ]],
    ["404 and no connection is accepted", () => new Response("", { status: 404 }), false, false, [
      "a:1",
    ]],
    ["400", () => Response.json({ errorCode: "400002" }, { status: 400 }), true, false, []],
    ["401", () => new Response("", { status: 401 }), true, false, []],
    ["500", () => new Response("", { status: 500 }), true, false, []],
    ["nothing", () => Promise.reject(new Error("refused")), true, false, []],
  ] as const
) {
  Deno.test(`service center addresses, an isolated one whose readiness page answers ${what} is ${usable ? "used again" : "left alone"}`, async () => {
    let well = false;
    const world = clusterOf({
      "http://a:1": () => well ? readiness() : Promise.reject(new Error("refused")),
      "http://b:2": () => well ? Response.json({}) : Promise.reject(new Error("refused")),
      "http://c:3": () => Response.json({}),
    }, { tcp });
    // Fails at a and b, then stays with c; a is asked three times in all.
    for (let i = 0; i < 3; i++) {
      world.http.blame("http://a:1");
      await world.http.call(get, open());
    }
    well = true;
    world.asked.length = 0;
    await world.clock.advance(14_999);
    assertEquals(world.asked, []);
    await world.clock.advance(1);
    assertEquals(world.asked[0], "http://a:1 /health/readiness");
    assertEquals(world.probed, probes);
    world.http.blame("http://c:3");
    world.http.blame("http://b:2");
    assertEquals(world.http.firstAddress() === "http://a:1", usable);
    world.closed.abort();
    await world.clock.advance(20_000);
    assertEquals(world.clock.sleeping, 0);
  });
}

Deno.test("service center addresses, a single one is not probed and stays in use", async () => {
  const world = clusterOf({ "http://a:1": () => Promise.reject(new Error("refused")) });
  for (let i = 0; i < 5; i++) await failure(world.http.call(get, open()));
  assertEquals(world.clock.sleeping, 0);
  assertEquals(world.http.firstAddress(), "http://a:1");
});

for (
  const [what, answer] of [
    ["403", () => new Response("no", { status: 403 })],
    [
      "400100",
      () =>
        Response.json({ errorCode: "400100", errorMessage: "Not enough quota" }, { status: 400 }),
    ],
    [
      "401 where no account is configured",
      () => Response.json({ errorCode: "401204" }, { status: 401 }),
    ],
  ] as const
) {
  Deno.test(`service center call, after ${what} the same kind of call waits for minutes and others go on`, async () => {
    const world = clusterOf({
      "http://a:1": answer,
      "http://b:2": answer,
    });
    assertEquals((await failure(world.http.call(get, open()))).code, "forbidden");
    assertEquals(world.asked.length, 1);
    await world.clock.advance(179_999);
    assertMatch((await failure(world.http.call(get, open()))).message, /not asked again for 180 s/);
    assertEquals(world.asked.length, 1);
    await failure(world.http.call({ ...get, kind: "names" }, open()));
    assertEquals(world.asked.length, 2);
    await world.clock.advance(1);
    await failure(world.http.call(get, open()));
    assertEquals(world.asked.length, 3);
  });
}

for (
  const [what, good, code] of [["once", true, "ok"], ["for ever", false, "forbidden"]] as const
) {
  Deno.test(`service center call, a token refused ${what} is fetched anew once and the call repeated once`, async () => {
    const clock = new FakeClock();
    const seen: (string | null)[] = [];
    let tokens = 0;
    const closed = new AbortController();
    const fetch: Fetch = (url, init) => {
      if (url.endsWith("/v4/token")) {
        return Promise.resolve(
          Response.json({ token: `t${++tokens}` }),
        );
      }
      const sent = new Headers(init?.headers).get("Authorization");
      seen.push(sent);
      return Promise.resolve(
        good && sent === "Bearer t2"
          ? Response.json({})
          : Response.json({ errorCode: "401205" }, { status: 401 }),
      );
    };
    const shared = { fetch, clock, timeoutMs: 5_000, closed: closed.signal };
    const http = new ServiceCenterHttp({
      ...shared,
      addresses: ["http://a:1"],
      random: () => 0,
      start: 0,
      project: "default",
      domain: "default",
      isolateMs: 30_000,
      signs: new RegistrySigns(shared.clock),
      tokens: new TokenSource({
        ...shared,
        logger: new RecordingLogger(),
        credentials: { account: "m", password: "p" },
      }),
    });
    const got = await http.call(get, open()).then((answer) => answer.kind, (error) => error.code);
    assertEquals(got, code);
    assertEquals(seen, ["Bearer t1", "Bearer t2"]);
    assertEquals(tokens, 2);
  });
}
