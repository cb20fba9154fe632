/** What counts as a sign that a registry was away or forgot. */
import { assertEquals, assertMatch } from "@test/assert";
import { RegistrySigns } from "../../../../lib/control/registry/signs.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

const answer = (server: string, epoch?: string) =>
  new Headers({ Server: server, ...(epoch === undefined ? {} : { "X-Registry-Epoch": epoch }) });

Deno.test("registry signs, silence is a sign of both kinds, a lost record only of forgetting", async () => {
  const clock = new FakeClock();
  const signs = new RegistrySigns(clock);
  assertEquals([signs.last, signs.silentAtMs], [undefined, undefined]);
  signs.silent("no answer");
  const silentAtMs = clock.now();
  assertEquals(signs.last, { atMs: silentAtMs, why: "no answer" });
  await clock.advance(1_000);
  signs.forgot("a lease is gone");
  assertEquals(signs.last, { atMs: silentAtMs + 1_000, why: "a lease is gone" });
  assertEquals(signs.silentAtMs, silentAtMs);
});

for (
  const [what, answers, doubted] of [
    ["the same one again", [answer("SERVICECENTER/2.2.0"), answer("SERVICECENTER/2.2.0")], false],
    ["another version", [answer("SERVICECENTER/2.2.0"), answer("SERVICECENTER/2.3.0")], true],
    [
      "another process",
      [answer("SERVICECENTER/1", "a"), answer("SERVICECENTER/1", "b")],
      true,
    ],
    [
      "something in between that answered once",
      [answer("SERVICECENTER/2.2.0"), answer("nginx"), answer("SERVICECENTER/2.2.0")],
      false,
    ],
  ] as const
) {
  Deno.test(`registry signs, ${what} at an address is ${doubted ? "a" : "no"} sign`, () => {
    const signs = new RegistrySigns(new FakeClock());
    for (const headers of answers) signs.answered("http://r1:30100", headers);
    assertEquals(signs.last !== undefined, doubted);
    if (doubted) assertMatch(signs.last!.why, /r1:30100 is another registry/);
  });
}

Deno.test("registry signs, two addresses may be two programs", () => {
  const signs = new RegistrySigns(new FakeClock());
  for (const one of ["1", "2", "1", "2"]) {
    signs.answered(`http://r${one}:30100`, answer(`SERVICECENTER/${one}`));
  }
  assertEquals(signs.last, undefined);
});
