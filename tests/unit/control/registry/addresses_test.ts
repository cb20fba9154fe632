/** The order in which the addresses of one registry are tried. */
import { assertEquals } from "@test/assert";
import { AddressRing } from "../../../../lib/control/registry/addresses.ts";

const ring = (start = 0) =>
  new AddressRing(["a", "b", "c"], { isolateAfter: 3, isolateMs: 30_000, start });

Deno.test("address ring, begins with the address it is told and stays with one that works", () => {
  const addresses = ring(1);
  assertEquals(addresses.candidates(0), ["b", "c", "a"]);
  addresses.succeeded("b");
  assertEquals(addresses.candidates(0), ["b", "c", "a"]);
});

Deno.test("address ring, moves on after a failure and stays with the one that answered", () => {
  const addresses = ring();
  addresses.failed("a", 0);
  assertEquals(addresses.candidates(0), ["b", "c", "a"]);
  addresses.failed("b", 0);
  addresses.succeeded("c");
  assertEquals(addresses.candidates(0), ["c", "a", "b"]);
});

Deno.test("address ring, leaves an address alone after three failures in a row, for a while", () => {
  const addresses = ring();
  for (let i = 0; i < 3; i++) addresses.failed("a", 1_000);
  assertEquals(addresses.candidates(1_000), ["b", "c"]);
  assertEquals(addresses.candidates(30_999), ["b", "c"]);
  assertEquals(addresses.candidates(31_000), ["b", "c", "a"]);
});

Deno.test("address ring, a success in between begins the count anew", () => {
  const addresses = ring();
  addresses.failed("a", 0);
  addresses.failed("a", 0);
  addresses.succeeded("a");
  addresses.failed("a", 0);
  assertEquals(addresses.candidates(0), ["b", "c", "a"]);
});

Deno.test("address ring, tries all when all are isolated", () => {
  const addresses = new AddressRing(["only"], { isolateAfter: 3, isolateMs: 30_000, start: 0 });
  for (let i = 0; i < 5; i++) addresses.failed("only", 0);
  assertEquals(addresses.candidates(0), ["only"]);
});

Deno.test("address ring, an isolated address that is released takes its turn again, with a new count", () => {
  const addresses = new AddressRing(["a", "b"], {
    isolateAfter: 3,
    isolateMs: Infinity,
    start: 0,
  });
  for (let i = 0; i < 3; i++) addresses.failed("a", 0);
  assertEquals(addresses.isIsolated("a", 1e9), true);
  assertEquals(addresses.candidates(1e9), ["b"]);
  addresses.release("a");
  addresses.failed("a", 1e9);
  assertEquals(addresses.isIsolated("a", 1e9), false);
  assertEquals(addresses.candidates(1e9), ["b", "a"]);
});

Deno.test("address ring, near addresses come first as long as they work, and again when they are back", () => {
  const addresses = ring(1);
  addresses.prefer(new Map([["c", 0], ["b", 2], ["a", 1]]));
  assertEquals(addresses.candidates(0), ["c", "a", "b"]);
  for (let i = 0; i < 3; i++) addresses.failed("c", 0);
  addresses.succeeded("a");
  assertEquals(addresses.candidates(0), ["a", "b"]);
  addresses.release("c");
  assertEquals(addresses.candidates(0), ["c", "a", "b"]);
});

Deno.test("address ring, equally near addresses keep their turn", () => {
  const addresses = ring(1);
  addresses.prefer(new Map([["a", 0], ["b", 0]]));
  assertEquals(addresses.candidates(0), ["b", "a", "c"]);
  addresses.succeeded("a");
  assertEquals(addresses.candidates(0), ["a", "b", "c"]);
});
