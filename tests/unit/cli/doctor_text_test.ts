/** What `mesher doctor` prints. */
import { assertEquals } from "@test/assert";
import { doctorLines } from "../../../lib/cli/doctor_text.ts";
import type { Diagnosis } from "../../../lib/control/api/shapes/doctor.ts";

const found: readonly Diagnosis[] = [
  { check: "clock", level: "ok", says: "they agree" },
  { check: "names", level: "note", says: "worth knowing" },
  { check: "endpoints", level: "warning", says: "one of two is out", fix: "look there" },
  { check: "keep-alive", level: "skipped", says: "no HTTP check" },
  { check: "registry", level: "problem", says: "nobody answers\x1b", fix: "start it" },
];

Deno.test("doctor, findings come first, each with its fix, what is well in one line", () => {
  assertEquals(doctorLines(found), [
    "PROBLEM  registry   nobody answers\\u001b",
    "                    -> start it",
    "warning  endpoints  one of two is out",
    "                    -> look there",
    "note     names      worth knowing",
    "",
    "well: clock",
    "not looked at: keep-alive",
    "2 findings",
  ]);
});

Deno.test("doctor, on demand every look is shown", () => {
  assertEquals(doctorLines(found, { all: true }).slice(-3), [
    "skipped  keep-alive  no HTTP check",
    "ok       clock       they agree",
    "2 findings",
  ]);
});

Deno.test("doctor, notes are no findings", () => {
  assertEquals(doctorLines(found.slice(0, 2)), [
    "note     names  worth knowing",
    "",
    "well: clock",
    "no findings",
  ]);
});
