/** The token of a registry with accounts: when it is fetched, renewed, and left alone. */
import { assert, assertEquals, assertMatch, rejection } from "@test/assert";
import { RegistryError } from "../../../../lib/control/registry/registry.ts";
import { tokenLifeMs, TokenSource } from "../../../../lib/control/registry/token.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { RecordingLogger } from "../../../support/registry_fakes.ts";

const minute = 60_000;

/** A token as registries make them; nobody here checks its signature. */
function jwt(claims: Readonly<Record<string, unknown>>): string {
  const part = (value: unknown) => btoa(JSON.stringify(value)).replace(/=+$/, "");
  return `${part({ alg: "RS512" })}.${part(claims)}.c2ln`;
}

function setUp(
  answer: (count: number) => Response | Promise<Response>,
  password: string | (() => Promise<string>) = "sesame",
) {
  const clock = new FakeClock();
  const logger = new RecordingLogger();
  const closed = new AbortController();
  const bodies: unknown[] = [];
  const urls: string[] = [];
  const tokens = new TokenSource({
    credentials: { account: "mesher", password },
    fetch: (url, init) => {
      urls.push(`${init?.method} ${url}`);
      bodies.push(JSON.parse(String(init?.body)));
      return Promise.resolve(answer(bodies.length));
    },
    clock,
    logger,
    timeoutMs: 5_000,
    closed: closed.signal,
  });
  return { clock, logger, tokens, bodies, urls, closed };
}

async function failure(promise: Promise<unknown>): Promise<RegistryError> {
  const error = await rejection(promise);
  assert(error instanceof RegistryError, String(error));
  return error;
}

Deno.test("token, is fetched once with account and password, however many ask", async () => {
  const given = jwt({ iat: 1_000, exp: 1_000 + 3_600 });
  const { tokens, bodies, urls } = setUp(() => Response.json({ token: given }));
  const got = await Promise.all([1, 2, 3].map(() => tokens.get("http://a:30100")));
  assertEquals(got, [given, given, given]);
  assertEquals(urls, ["POST http://a:30100/v4/token"]);
  assertEquals(bodies, [{ name: "mesher", password: "sesame" }]);
});

Deno.test("token, is renewed at four fifths of its life", async () => {
  const { clock, tokens, bodies } = setUp((count) =>
    Response.json({ token: jwt({ count, iat: 1_000, exp: 1_000 + 3_600 }) })
  );
  const first = await tokens.get("http://a");
  await clock.advance(48 * minute - 1);
  assertEquals(await tokens.get("http://a"), first);
  await clock.advance(1);
  assert(await tokens.get("http://a") !== first);
  assertEquals(bodies.length, 2);
});

Deno.test("token, a wall clock that is wrong or jumps changes nothing about its life", async () => {
  const { clock, tokens, bodies } = setUp(() =>
    Response.json({ token: jwt({ iat: 1_000, exp: 1_000 + 3_600 }) })
  );
  await tokens.get("http://a");
  for (const jumpMs of [3_600_000, -7_200_000]) {
    clock.jumpWall(jumpMs);
    await tokens.get("http://a");
  }
  assertEquals(bodies.length, 1);
});

Deno.test("token, the old one is used while it lasts when it cannot be renewed", async () => {
  const first = jwt({ iat: 0, exp: 3_600 });
  const { clock, tokens, bodies } = setUp((count) =>
    count === 1 ? Response.json({ token: first }) : new Response("broken", { status: 500 })
  );
  await tokens.get("http://a");
  await clock.advance(50 * minute);
  assertEquals(await tokens.get("http://a"), first);
  assertEquals(await tokens.get("http://a"), first);
  assertEquals(bodies.length, 2);
  await clock.advance(10 * minute);
  assertEquals((await failure(tokens.get("http://a"))).code, "unreachable");
});

Deno.test("token, one that the registry did not take is fetched anew, and only once", async () => {
  const { tokens, bodies } = setUp((count) => Response.json({ token: jwt({ count, exp: 9e9 }) }));
  const first = await tokens.get("http://a");
  tokens.rejected(first);
  const second = await tokens.get("http://a");
  assert(second !== first);
  tokens.rejected(first);
  assertEquals(await tokens.get("http://a"), second);
  assertEquals(bodies.length, 2);
});

Deno.test("token, a registry without accounts wants none and is not asked again for ten minutes", async () => {
  const { clock, tokens, bodies, logger } = setUp(() =>
    new Response("404 page not found", { status: 404 })
  );
  assertEquals(await tokens.get("http://a"), undefined);
  await clock.advance(9 * minute);
  assertEquals(await tokens.get("http://a"), undefined);
  assertEquals(bodies.length, 1);
  await clock.advance(minute);
  await tokens.get("http://a");
  assertEquals(bodies.length, 2);
  assertMatch(logger.lines.join(), /knows no accounts/);
});

for (const status of [401, 403]) {
  Deno.test(`token, an account refused with ${status} is left alone for five minutes and told once`, async () => {
    const { clock, tokens, bodies, logger } = setUp(() => new Response("{}", { status }));
    for (let second = 0; second < 299; second++) {
      assertEquals((await failure(tokens.get("http://a"))).code, "forbidden");
      await clock.advance(1_000);
    }
    assertEquals(bodies.length, 1);
    await clock.advance(1_000);
    const error = await failure(tokens.get("http://a"));
    assertMatch(error.message, /account mesher with 40[13]; check registry_account/);
    assertEquals(bodies.length, 2);
    assertEquals(logger.lines.some((line) => line.includes("sesame")), false);
    assertEquals(logger.of("warn").length, 2);
  });
}

const nonsense: readonly (readonly [string, string])[] = [
  ["a page", "<html>"],
  ["nothing", ""],
  ["no token", "{}"],
  ["a number", '{"token":7}'],
  ["a line break in it", '{"token":"a\\r\\nX-Other: 1"}'],
];
for (const [what, text] of nonsense) {
  Deno.test(`token, ${what} instead of a token is an error and nothing is sent`, async () => {
    const { tokens } = setUp(() => new Response(text));
    assertEquals((await failure(tokens.get("http://a"))).code, "garbled");
  });
}

Deno.test("token, a password from elsewhere is read for each token, and another one ends a refusal", async () => {
  let password = "old";
  const refuse = () => Response.json({ errorCode: "401202" }, { status: 401 });
  const { tokens, bodies, logger } = setUp(
    () => password === "new" ? Response.json({ token: "t1" }) : refuse(),
    () => Promise.resolve(password),
  );
  assertEquals((await failure(tokens.get("http://a"))).code, "forbidden");
  assertEquals((await failure(tokens.get("http://a"))).code, "forbidden");
  assertEquals(bodies.length, 1);
  password = "new";
  assertEquals(await tokens.get("http://a"), "t1");
  password = "newer";
  tokens.rejected("t1");
  await failure(tokens.get("http://a"));
  assertEquals(bodies.map((one) => (one as { password: string }).password), [
    "old",
    "new",
    "newer",
  ]);
  assert(!/old|new|newer/.test(logger.lines.join("\n").replaceAll("renewed", "")));
});

Deno.test("token, without a readable password there is none, a valid one is used on, and nothing is asked", async () => {
  let broken = true;
  const { tokens, bodies, clock } = setUp(
    () => Response.json({ token: jwt({ iat: 1_000, exp: 1_000 + 3_600 }) }),
    () => broken ? Promise.reject(new Error("/run/secret does not exist")) : Promise.resolve("p"),
  );
  const error = await failure(tokens.get("http://a"));
  assertEquals([error.code, bodies.length], ["unreachable", 0]);
  assertMatch(error.message, /no password to fetch a token with: \/run\/secret does not exist/);
  broken = false;
  const token = await tokens.get("http://a");
  broken = true;
  await clock.advance(50 * minute);
  assertEquals(await tokens.get("http://a"), token);
  assertEquals(bodies.length, 1);
});

Deno.test("token, a registry that hangs is given up in time and a closed backend at once", async () => {
  const { clock, tokens, closed } = setUp(() => new Promise(() => {}));
  const slow = failure(tokens.get("http://a"));
  await clock.advance(5_000);
  assertMatch((await slow).message, /no answer within 5000 ms/);
  const cut = failure(tokens.get("http://a"));
  closed.abort();
  assertEquals((await cut).code, "unreachable");
  assertEquals(clock.sleeping, 0);
});

const lives: readonly (readonly [string, string, number])[] = [
  ["its own two times", jwt({ iat: 100, exp: 700 }), 600_000],
  ["the wall clock without the first of them", jwt({ exp: 1_600 }), 600_000],
  ["a minute at least", jwt({ iat: 100, exp: 90 }), minute],
  ["a day at most", jwt({ iat: 0, exp: 9e9 }), 86_400_000],
  ["twenty minutes where it says nothing", jwt({}), 20 * minute],
  ["twenty minutes where it is no such token", "opaque", 20 * minute],
];
for (const [what, token, lifeMs] of lives) {
  Deno.test(`token, its life is ${what}`, () => {
    assertEquals(tokenLifeMs(token, 1_000_000), lifeMs);
  });
}
