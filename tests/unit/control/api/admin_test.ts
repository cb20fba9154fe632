/** The admin API over a view written by hand: paths, inputs, refusals. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { createAdmin } from "../../../../lib/control/api/admin.ts";
import type { AdminView } from "../../../../lib/control/api/view.ts";
import { adminView } from "../../../support/admin_view.ts";

interface Asked {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers: Headers;
  readonly done: readonly unknown[];
}

async function ask(
  path: string,
  options: {
    over?: Partial<AdminView>;
    method?: string;
    headers?: Record<string, string>;
    body?: unknown;
  } = {},
): Promise<Asked> {
  const { over = {}, method = "GET", headers = {}, body } = options;
  const view = adminView(over);
  const answer = await createAdmin(view).request(path, {
    method,
    headers: {
      ...(method === "GET" ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return {
    status: answer.status,
    type: answer.headers.get("content-type") ?? "",
    body: await answer.text(),
    headers: answer.headers,
    done: view.done,
  };
}

const unready = { readiness: () => ({ ready: false, reasons: ["down"], notes: [] }) };

Deno.test("admin, liveness is 200 whatever the readiness", async () => {
  const { status, body } = await ask("/healthz", { over: unready });
  assertEquals([status, body], [200, "ok\n"]);
});

Deno.test("admin, readiness is 200 or 503 and says why", async () => {
  const ready = await ask("/readyz");
  assertEquals([ready.status, JSON.parse(ready.body).notes], [200, ["a note"]]);
  const not = await ask("/readyz", { over: unready });
  assertEquals([not.status, JSON.parse(not.body).reasons], [503, ["down"]]);
});

Deno.test("admin, metrics come in the type that the view chose for the Accept field", async () => {
  const plain = await ask("/metrics");
  assertEquals([plain.body, plain.type], ["mesher_up 1\n", "text/plain"]);
  const open = await ask("/metrics", { headers: { accept: "application/openmetrics-text" } });
  assertEquals(open.type, "application/openmetrics-text");
});

for (
  const [path, expected] of [
    ["/services", /^\[\{"service":"Cart"/],
    ["/services/Cart", /"history":\{"events":\[/],
    ["/endpoints?state=ejected", /^\[\{"service":"Cart"[^\]]*\]$/],
    ["/endpoints?service=Bill", /^\[\{"service":"Bill"/],
    ["/routes", /^\[\]$/],
    ["/status", /"draining":false/],
    ["/connections", /"accepted":3/],
    ["/leases", /"registered"/],
    ["/config", /"app":"shop"/],
    ["/config/sources", /"app":"MESHER_APP"/],
    ["/doctor", /"check":"registry","level":"problem","says":"nobody answers","fix":"start it"/],
    ["/snapshots", /"acknowledged":\[1,1\]/],
    ["/failures?limit=5&service=Cart&code=connect_refused", /"check":"Look whether/],
    ["/history?service=Cart&since=1700000000000", /"scope":"service","service":"Cart"/],
    ["/history?scope=inbound", /"scope":"inbound"/],
    ["/log-level", /^\{"level":"info"\}$/],
  ] as const
) {
  Deno.test(`admin, ${path} answers what the view says`, async () => {
    const { status, type, body, headers } = await ask(path);
    assertEquals([status, type], [200, "application/json"], body);
    assertMatch(body, expected);
    assertEquals(headers.get("cache-control"), "no-store");
  });
}

for (
  const [path, wrong] of [
    ["/failures?limit=0", "query.limit"],
    ["/failures?limit=1000", "query.limit"],
    ["/failures?code=nonsense", "query.code"],
    ["/failures?limit=1&limit=2", "query.limit"],
    ["/failures?nmuber=1", "query.nmuber"],
    ["/history?scope=some", "query.scope"],
    ["/history?scope=all&service=Cart", "query"],
    ["/history?since=yesterday", "query.since"],
    ["/endpoints?state=sick", "query.state"],
    ["/tap?status=700", "query.status"],
    ["/tap?per_second=0", "query.per_second"],
    ["/tap?path_prefix=x", "query.path_prefix"],
    ["/tap?failures=maybe", "query.failures"],
    [`/services/${"x".repeat(300)}`, "path.name"],
  ] as const
) {
  Deno.test(`admin, ${path.slice(0, 40)} is refused and names ${wrong}`, async () => {
    const { status, type, body } = await ask(path);
    assertEquals([status, type], [400, "application/problem+json"]);
    const { mistakes, detail } = JSON.parse(body);
    assertEquals(mistakes.map((one: { where: string }) => one.where), [wrong], body);
    assert(detail.startsWith(wrong), detail);
  });
}

for (
  const [path, body, wrong] of [
    ["/log-level", { level: "loud" }, "body.level"],
    ["/log-level", {}, "body.level"],
    ["/log-level", { level: "info", more: 1 }, "body.more"],
    ["/explain", { url: "Cart/" }, "body.url"],
    ["/explain", { url: "https://Cart/" }, "body.url"],
    ["/explain", { url: "http://Cart/", method: "G T" }, "body.method"],
    ["/explain", { url: "http://Cart/", headers: [["a"]] }, "body.headers.0"],
    ["/drain", { now: true }, "body.now"],
  ] as const
) {
  Deno.test(`admin, ${path} with ${JSON.stringify(body)} is refused and names ${wrong}`, async () => {
    const method = path === "/log-level" ? "PUT" : "POST";
    const answer = await ask(path, { method, body });
    assertEquals(answer.status, 400);
    assertEquals(JSON.parse(answer.body).mistakes[0].where, wrong, answer.body);
    assertEquals(answer.done, []);
  });
}

Deno.test("admin, a body that is no JSON, or too long, is refused", async () => {
  const broken = await ask("/log-level", { method: "PUT", body: "{level" });
  assertEquals([broken.status, JSON.parse(broken.body).title], [400, "The body is not JSON"]);
  const long = await ask("/explain", { method: "POST", body: `"${"x".repeat(70_000)}"` });
  assertEquals(long.status, 413);
});

Deno.test("admin, log level, drain and reload do what they say", async () => {
  const level = await ask("/log-level", { method: "PUT", body: { level: "debug" } });
  assertEquals([level.status, level.done], [200, [{ level: "debug" }]]);
  const drain = await ask("/drain", { method: "POST" });
  assertEquals([drain.status, drain.done], [202, ["drain"]]);
  const reload = await ask("/reload", { method: "POST", body: {} });
  assertEquals([reload.status, JSON.parse(reload.body)], [200, { changed: ["log"] }]);
});

Deno.test("admin, a reload that is refused is a 409 with the reason", async () => {
  const over = {
    reload: () => Promise.resolve({ kind: "refused" as const, why: "threads needs a restart" }),
  };
  const { status, body } = await ask("/reload", { over, method: "POST" });
  assertEquals([status, JSON.parse(body).detail], [409, "threads needs a restart"]);
});

Deno.test("admin, explain hands the question on with its defaults", async () => {
  const { status, body, done } = await ask("/explain", {
    method: "POST",
    body: { url: "http://Cart:8080/a?b", headers: [["X-Env", "test"]] },
  });
  assertEquals(status, 200);
  assertEquals(JSON.parse(body).steps, [{ step: "name", result: "Cart" }]);
  assertEquals(done, [{
    method: "GET",
    url: "http://Cart:8080/a?b",
    headers: [["X-Env", "test"]],
  }]);
});

Deno.test("admin, an explanation that does not come is a 504", async () => {
  const over = { explain: () => Promise.reject(new Error("no data thread answered")) };
  const { status, body } = await ask("/explain", {
    over,
    method: "POST",
    body: { url: "http://Cart/" },
  });
  assertEquals([status, JSON.parse(body).detail], [504, "no data thread answered"]);
});

Deno.test("admin, a tap is lines of JSON, or events for those who ask for them", async () => {
  const lines = await ask("/tap?service=Cart&status=5&method=get&failures=true");
  assertEquals([lines.status, lines.type], [200, "application/x-ndjson"]);
  const [first, second] = lines.body.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals([first.authority, second], ["Cart", { dropped: 3 }]);
  assertEquals(lines.done[0], {
    role: undefined,
    service: "Cart",
    method: "GET",
    pathPrefix: undefined,
    status: 5,
    failuresOnly: true,
    perSecond: 100,
  });
  const events = await ask("/tap", { headers: { accept: "text/event-stream" } });
  assertMatch(events.body, /^event: request\ndata: \{.*\}\n\nevent: dropped\ndata: /);
});

Deno.test("admin, a tap ends with its listener", async () => {
  const view = adminView();
  const answer = await createAdmin(view).request("/tap");
  await answer.body!.cancel();
  assertEquals(view.done.at(-1), "tap ended");
});

Deno.test("admin, too many listeners are a 503", async () => {
  const { status, headers } = await ask("/tap", { over: { tap: () => undefined } });
  assertEquals([status, headers.get("retry-after")], [503, "10"]);
});

Deno.test("admin, a service that differs by case is named", async () => {
  const { status, body } = await ask("/services/cart");
  assertEquals(status, 404);
  assertMatch(JSON.parse(body).detail, /there is Cart/);
});

Deno.test("admin, an unknown path names the known ones", async () => {
  const { status, type, body } = await ask("/metric");
  assertEquals([status, type], [404, "application/problem+json"]);
  assertMatch(body, /\/metrics/);
});

Deno.test("admin, a view that throws is a 500 with its words and no crash", async () => {
  const over = {
    status: () => {
      throw new Error("not started");
    },
  };
  const { status, body } = await ask("/status", { over });
  assertEquals([status, JSON.parse(body).detail], [500, "not started"]);
});
