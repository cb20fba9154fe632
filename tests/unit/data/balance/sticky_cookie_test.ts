/** The cookie of a session: both forms that clients hold, and nothing else. */
import { assertEquals, assertMatch } from "@test/assert";
import {
  newStickyId,
  readStickyId,
  stickyIdBytes,
  stickySetCookie,
} from "../../../../lib/data/balance/sticky_cookie.ts";
import { seeded } from "../../../support/seeded.ts";

const id = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE=";

const table: readonly (readonly [what: string, field: string, id: string])[] = [
  ["plain", `go-chassisLB=${id}`, id],
  ["with the name twice, as the chassis sets it", `go-chassisLB=go-chassisLB=${id}`, id],
  ["in quotes", `go-chassisLB="${id}"`, id],
  ["with the name twice, in quotes", `go-chassisLB="go-chassisLB=${id}"`, id],
  ["without padding", `go-chassisLB=${id.slice(0, 43)}`, id.slice(0, 43)],
  ["among others", `theme=dark; go-chassisLB=${id}; lang=en`, id],
  ["last, without blanks", `theme=dark;go-chassisLB=${id}`, id],
  ["twice, the first one that is an id", `go-chassisLB=; go-chassisLB=${id}`, id],
  ["of another name", `xgo-chassisLB=${id}`, ""],
  ["in other capitals", `GO-CHASSISLB=${id}`, ""],
  ["as a part of another value", `theme="go-chassisLB=${id}`, ""],
  ["empty", "go-chassisLB=", ""],
  ["too short to be an id", "go-chassisLB=abc", ""],
  ["too long to be kept", `go-chassisLB=${"a".repeat(200)}`, ""],
  ["with foreign characters", `go-chassisLB=${id.slice(0, 20)}<b>${id.slice(20)}`, ""],
  ["without a value", "go-chassisLB", ""],
  ["not there", "", ""],
];

for (const [what, field, found] of table) {
  Deno.test(`session cookie, ${what}: ${found === "" ? "no session" : "its id"}`, () => {
    assertEquals(readStickyId(field), found);
  });
}

Deno.test("session id, is 44 URL-safe characters that are read back", () => {
  const random = seeded(1);
  for (let round = 0; round < 200; round++) {
    const made = newStickyId(
      Uint8Array.from({ length: stickyIdBytes }, () => random.below(256)),
    );
    assertMatch(made, /^[A-Za-z0-9_-]{43}=$/);
    assertEquals(readStickyId(stickySetCookie(made).split("; ")[0]!), made);
  }
});

Deno.test("session cookie, is for the whole host and out of reach of scripts", () => {
  assertEquals(
    stickySetCookie(id),
    `go-chassisLB=${id}; Path=/; HttpOnly; SameSite=Lax`,
  );
});
