/** What rules can ask of a request, read from the bytes of its head. */
import { assertEquals } from "@test/assert";
import { HeadFacts } from "../../../../lib/data/proxy/head_facts.ts";
import { cookieValue, trafficKey } from "../../../../lib/data/routing/facts.ts";
import { request } from "../http1/support.ts";

/** UTF-8 text as the bytes that go over the wire, one character each. */
function wire(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

interface About {
  readonly fields?: readonly string[];
  readonly method?: string;
  /** What stands before the path in the target. */
  readonly before?: string;
  readonly service?: string | undefined;
}

/** The facts of one request; `path` is what its target ends with. */
function factsOf(path: string, { before = "", fields = [], method = "GET", service }: About = {}) {
  const lines = [`${method} ${before}${path} HTTP/1.1`, "Host: shop", ...fields].map(wire);
  const { bytes, head } = request(`${lines.join("\r\n")}\r\n\r\nbody?with=question`);
  const pathFrom = head.targetTo - wire(path).length;
  return new HeadFacts(head).about(bytes, {
    path: { from: pathFrom, to: head.targetTo },
    source: "10.1.1.1",
    service,
  });
}

const targets: readonly {
  readonly path: string;
  readonly before?: string;
  readonly expected: readonly [path: string, query: string];
}[] = [
  { path: "/", expected: ["/", ""] },
  { path: "/a/b?c=d&e", expected: ["/a/b", "c=d&e"] },
  { path: "/a?", expected: ["/a", ""] },
  { path: "/a?b?c", expected: ["/a", "b?c"] },
  { path: "/a%3Fb", expected: ["/a%3Fb", ""] },
  { path: "*", expected: ["*", ""] },
  { before: "http://shop:80", path: "/a?b=c", expected: ["/a", "b=c"] },
  { before: "http://shop", path: "", expected: ["/", ""] },
  { before: "http://shop", path: "?b=c", expected: ["/", "b=c"] },
  { path: "/käse?q=ü", expected: ["/käse", "q=ü"] },
];

for (const { before = "", path, expected } of targets) {
  Deno.test(`head facts, path and query of ${before}${path}`, () => {
    const facts = factsOf(path, { before });
    assertEquals([facts.path, facts.query], expected);
  });
}

const headers: readonly {
  readonly title: string;
  readonly fields: readonly string[];
  readonly name: string;
  readonly value: string | undefined;
}[] = [
  { title: "one that is not there", fields: ["X-A: 1"], name: "x-b", value: undefined },
  { title: "whatever its case", fields: ["X-uSeR: ann"], name: "X-User", value: "ann" },
  { title: "an empty one", fields: ["X-A:"], name: "x-a", value: "" },
  { title: "blanks round it", fields: ["X-A: \t 1 2 \t"], name: "x-a", value: "1 2" },
  {
    title: "several as a list, in their order",
    fields: ["X-A: 1", "X-B: 9", "x-a: 2, 3", "X-A:"],
    name: "x-a",
    value: "1, 2, 3, ",
  },
  {
    title: "several cookies as one",
    fields: ["Cookie: a=1", "cookie: b=2"],
    name: "cookie",
    value: "a=1; b=2",
  },
  { title: "no part of a longer name", fields: ["X-AB: 1"], name: "x-a", value: undefined },
  {
    title: "one that is known to the engine",
    fields: ["Connection: x"],
    name: "connection",
    value: "x",
  },
  { title: "texts in UTF-8", fields: ["X-City: Köln"], name: "x-city", value: "Köln" },
];

for (const { title, fields, name, value } of headers) {
  Deno.test(`head facts, header: ${title}`, () => {
    assertEquals(factsOf("/", { fields }).header(name), value);
  });
}

Deno.test("head facts, bytes that are no UTF-8 are read as latin-1", () => {
  const { bytes, head } = request("GET /\xe9 HTTP/1.1\r\nX-A: caf\xe9 \xc3\xa9\r\n\r\n");
  const path = { from: head.targetFrom, to: head.targetTo };
  const facts = new HeadFacts(head).about(bytes, { path, source: "" });
  assertEquals([facts.path, facts.header("x-a")], ["/\xe9", "caf\xe9 \xc3\xa9"]);
});

Deno.test("head facts, a cookie is found wherever it stands", () => {
  const facts = factsOf("/", { fields: ["Cookie: a=1; b=2", "Cookie: sid=7"] });
  assertEquals(cookieValue(facts.header("cookie"), "sid"), "7");
  assertEquals(trafficKey(facts, { kind: "cookie", name: "sid" }), "7");
  assertEquals(facts.source, "10.1.1.1");
});

Deno.test("head facts, methods are as they were sent", () => {
  for (const method of ["GET", "PATCH", "X-odd", "A-METHOD-LONGER-THAN-OTHERS"]) {
    assertEquals(factsOf("/", { method }).method, method);
  }
});

const callers: readonly {
  readonly title: string;
  readonly fields: readonly string[];
  readonly service?: string;
  readonly caller: string;
}[] = [
  { title: "nobody says", fields: [], caller: "" },
  {
    title: "the context of the framework",
    fields: ['x-cse-context: {"x-cse-src-microservice":"StoreWeb","other":1}'],
    caller: "StoreWeb",
  },
  {
    title: "the field of older frameworks",
    fields: ["x-cse-src-microservice: Old"],
    caller: "Old",
  },
  {
    title: "the context before the older field",
    fields: ["x-cse-src-microservice: Old", 'x-cse-context: {"x-cse-src-microservice":"New"}'],
    caller: "New",
  },
  { title: "a context that is no JSON", fields: ["x-cse-context: {oops"], caller: "" },
  {
    title: "a context that is no JSON, beside the older field",
    fields: ["x-cse-context: {oops", "x-cse-src-microservice: Old"],
    caller: "Old",
  },
  { title: "a context that is null", fields: ["x-cse-context: null"], caller: "" },
  { title: "a context that is a list", fields: ['x-cse-context: ["a"]'], caller: "" },
  {
    title: "a name that is no text",
    fields: ['x-cse-context: {"x-cse-src-microservice":7}'],
    caller: "",
  },
  {
    title: "a name in UTF-8",
    fields: ['x-cse-context: {"x-cse-src-microservice":"Käse"}'],
    caller: "Käse",
  },
  {
    title: "the own service, whatever the application says",
    fields: ['x-cse-context: {"x-cse-src-microservice":"Forged"}'],
    service: "Shop",
    caller: "Shop",
  },
  {
    title: "a consumer without a name",
    fields: ["x-cse-src-microservice: Forged"],
    service: "",
    caller: "",
  },
];

for (const { title, fields, service, caller } of callers) {
  Deno.test(`head facts, caller: ${title}`, () => {
    assertEquals(factsOf("/", { fields, service }).caller, caller);
  });
}

Deno.test("head facts, are those of the request they were asked about last", () => {
  const first = request("GET /one?a HTTP/1.1\r\nX-A: 1\r\n\r\n");
  const facts = new HeadFacts(first.head);
  const about = ({ bytes, head }: typeof first, service?: string) =>
    facts.about(bytes, {
      path: { from: head.targetFrom, to: head.targetTo },
      source: "s",
      service,
    });
  about(first, "Shop");
  assertEquals([facts.path, facts.header("x-a"), facts.caller], ["/one", "1", "Shop"]);
  about(request("PUT /two HTTP/1.1\r\nX-B: 2\r\n\r\n", { head: first.head }));
  assertEquals(
    [facts.method, facts.path, facts.query, facts.header("x-a"), facts.header("x-b"), facts.caller],
    ["PUT", "/two", "", undefined, "2", ""],
  );
});
