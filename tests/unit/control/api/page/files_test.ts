/** The files of the live page: all of them are carried along, and they keep to themselves. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { createAdmin } from "../../../../../lib/control/api/admin.ts";
import { pageFiles } from "../../../../../lib/control/api/page/files.ts";
import { adminView } from "../../../../support/admin_view.ts";

const folder = new URL("../../../../../lib/control/api/page/", import.meta.url);

Deno.test("page files, every file of the folder is carried by the program", () => {
  const names = [...Deno.readDirSync(folder)].map((entry) => entry.name)
    .filter((name) => !name.endsWith(".ts"));
  assertEquals(Object.keys(pageFiles).sort(), names.sort());
  for (const name of names) {
    assertEquals(pageFiles[name], Deno.readTextFileSync(new URL(name, folder)), name);
  }
});

Deno.test("page files, whatever one of them asks for is there", () => {
  for (const [name, text] of Object.entries(pageFiles)) {
    const wanted = name === "index.html"
      ? [...text.matchAll(/(?:src|href)="page\/([^"]+)"/g)]
      : [...text.matchAll(/from "\.\/([^"]+)"/g)];
    for (const [, file] of wanted) assert(file! in pageFiles, `${name} asks for ${file}`);
  }
  assertMatch(pageFiles["index.html"]!, /src="page\/main\.js"/);
});

Deno.test("page files, nothing is inline and nothing comes from elsewhere", () => {
  const page = pageFiles["index.html"]!;
  assertEquals([...page.matchAll(/<script(?![^>]* src=)|<style|\sstyle=|\son\w+=/g)], []);
  // Names of the SVG format, and the example of a call.
  const harmless = /www\.w3\.org\/2000\/svg|\$\{proxy\}|ServiceName/;
  for (const [name, text] of Object.entries(pageFiles)) {
    for (const [url] of text.matchAll(/(?:https?:)?\/\/[\w$][^\s"'`)]*/g)) {
      assert(url.startsWith("// ") || harmless.test(url), `${name}: ${url}`);
    }
    assert(!/innerHTML|insertAdjacentHTML|\beval\(|new Function/.test(text), name);
  }
});

for (
  const [path, type] of [
    ["/", "text/html; charset=utf-8"],
    ["/page/main.js", "text/javascript; charset=utf-8"],
    ["/page/base.css", "text/css; charset=utf-8"],
  ] as const
) {
  Deno.test(`page files, ${path} is served as ${type}`, async () => {
    const answer = await createAdmin(adminView()).request(path);
    assertEquals([answer.status, answer.headers.get("content-type")], [200, type]);
    assert((await answer.text()).length > 100);
  });
}

for (const path of ["/page/files.ts", "/page/__proto__", "/page/..%2fadmin.ts", "/page/none.js"]) {
  Deno.test(`page files, ${path} is not there`, async () => {
    const answer = await createAdmin(adminView()).request(path);
    await answer.body?.cancel();
    assertEquals(answer.status, 404);
  });
}
