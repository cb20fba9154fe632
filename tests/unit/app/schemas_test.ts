/** Contracts in a folder become schemas of the registered service. */
import { assert, assertEquals, assertMatch, rejection } from "@test/assert";
import { isSchemaFile, schemasFrom } from "../../../lib/app/schemas.ts";

Deno.test("schemas, the id is the file's name, the summary the SHA-256 of its bytes", async () => {
  const text = "swagger: '2.0'\n";
  assertEquals(
    await schemasFrom([{ name: "hello.yml", text: "a: ü" }, { name: "Api.v2.yaml", text }]),
    [
      // Both as sha256sum prints them.
      {
        id: "Api.v2",
        text,
        summary: "f9d03f0fce3034e125c13479f8046125a18707298d64c7a5482288281fecfd6e",
      },
      {
        id: "hello",
        text: "a: ü",
        summary: "387a456121ef1f4d7de2f68e7f9f297d0dd6c46074788925fd57a5ff43cae34e",
      },
    ],
  );
});

for (
  const [name, wanted] of [
    ["hello.yaml", true],
    ["hello.YML", true],
    ["hello.json", false],
    [".hello.yaml", false],
    ["..data", false],
  ] as const
) {
  Deno.test(`schemas, the file ${name} is ${wanted ? "one" : "none"}`, () => {
    assertEquals(isSchemaFile(name), wanted);
  });
}

const many = Array.from({ length: 101 }, (_, i) => ({ name: `s${i}.yaml`, text: "a: 1" }));
for (
  const [what, files, pattern] of [
    ["an id nobody takes", [{ name: "a b.yaml", text: "x" }], /schemas\/a b\.yaml cannot be an id/],
    ["nothing in it", [{ name: "a.yaml", text: " \n" }], /schemas\/a\.yaml is empty/],
    ["too much in it", [{ name: "a.yaml", text: "x".repeat(2_100_000) }], /is larger than/],
    ["a double", [{ name: "a.yaml", text: "x" }, { name: "a.yml", text: "y" }], /two files for a;/],
    ["a hundred others", many, /schemas has 101 files; the registry takes 100/],
  ] as const
) {
  Deno.test(`schemas, a file with ${what} is refused by name`, async () => {
    const error = await rejection(schemasFrom(files));
    assert(error instanceof Error);
    assertMatch(error.message, pattern);
  });
}
