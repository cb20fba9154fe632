import { assert, assertEquals } from "@test/assert";
import { loadConfig, loadOverridden } from "../../../lib/config/load.ts";
import { mergeLayers } from "../../../lib/config/merge.ts";
import { toPublicForm } from "../../../lib/config/print.ts";
import { formatProblem } from "../../../lib/config/problem.ts";
import { load } from "./support.ts";

const file = [
  "retry: {max_attempts: 2, base_delay: 1ms}",
  "routes: [{name: file}]",
  "services:",
  "  Cart: {retry: {max_attempts: 4, hedge: true}, routes: [{name: cart}]}",
  "  Pay: {fault: {abort_percent: 1}}",
].join("\n");

/** What set each key that something set, as `kind name`. */
async function origins(given: Parameters<typeof load>[0]): Promise<Record<string, string>> {
  const result = await load(given);
  assert.ok(result.ok, JSON.stringify(result));
  return Object.fromEntries(
    Object.entries(result.sources)
      .filter(([, { kind }]) => kind !== "default")
      .map(([path, { kind, name }]) => [path, `${kind} ${name}`]),
  );
}

Deno.test("every key of every service knows what set it", async () => {
  assertEquals(
    await origins({
      file,
      env: {
        MESHER_RETRY_MAX_ATTEMPTS: "5",
        MESHER_SERVICES: '{"Cart": {"retry": {"max_attempts": 6}}, "New": {"routes": []}}',
      },
      flags: { routes: '[{"name": "flag"}]' },
    }),
    {
      "retry.max_attempts": "environment MESHER_RETRY_MAX_ATTEMPTS",
      "retry.base_delay": "file mesher.yaml",
      routes: "flag --routes",
      services: "environment MESHER_SERVICES",
      "services.Cart.retry.max_attempts": "environment MESHER_SERVICES",
      "services.Cart.retry.hedge": "file mesher.yaml",
      "services.Cart.routes": "file mesher.yaml",
      "services.Pay.fault.abort_percent": "file mesher.yaml",
      "services.New.routes": "environment MESHER_SERVICES",
    },
  );
});

Deno.test("services are laid over each other key by key, lists are replaced whole", async () => {
  const result = await load({
    file,
    env: { MESHER_SERVICES: '{"Cart": {"retry": {"max_attempts": 6}, "routes": []}}' },
  });
  assert.ok(result.ok);
  assertEquals(result.config.services, {
    Cart: { retry: { maxAttempts: 6, hedge: true }, routes: [] },
    Pay: { fault: { abortPercent: 1 } },
  });
});

Deno.test("changes lie on top of every source and leave the base as it was", async () => {
  const base = await load({ file, flags: { "retry.max_attempts": "7" } });
  assert.ok(base.ok);
  const changed = loadOverridden(base.merged, {
    retry: { max_attempts: 1 },
    services: { Cart: { retry: { hedge: false } } },
  });
  assert.ok(changed.ok);
  assertEquals(changed.config.retry.maxAttempts, 1);
  assertEquals(changed.config.services["Cart"]?.retry, { maxAttempts: 4, hedge: false });
  assertEquals(changed.sources["retry.max_attempts"]?.kind, "admin");
  assertEquals(changed.sources["services.Cart.retry.hedge"]?.kind, "admin");
  assertEquals(changed.sources["services.Cart.retry.max_attempts"]?.kind, "file");

  const again = loadOverridden(base.merged, {});
  assert.ok(again.ok);
  assertEquals([again.config, again.sources], [base.config, base.sources]);
});

Deno.test("bad changes are refused with all that is wrong, in the words of the file", async () => {
  const base = await load({ file });
  assert.ok(base.ok);
  const changed = loadOverridden(base.merged, {
    retry: { max_attempts: 0 },
    services: { Cart: { retry: { hege: true } } },
  });
  assert.ok(!changed.ok);
  assertEquals(changed.problems.map(formatProblem), [
    "retry.max_attempts: 0 is not a whole number from 1 to 100 (from the admin API)",
    "services.Cart.retry.hege: is not a key of the configuration; did you mean services.Cart.retry.hedge? (from the admin API)",
  ]);
});

Deno.test("a list without a value in one of its conditions is refused and not taken for fewer conditions", async () => {
  const result = await load({ file: "routes: [{name: a, match: {callers: }}]" });
  assert.ok(!result.ok);
});

Deno.test("a tree that contains itself is refused and does not hang", () => {
  const round: Record<string, unknown> = { match: {} };
  round["match"] = round;
  const merged = mergeLayers([{
    tree: { routes: [round] },
    source: { kind: "file", name: "mesher.yaml" },
  }]);
  const result = loadOverridden(merged, {});
  assert.ok(!result.ok);
  assert.match(
    result.problems.map(formatProblem).join("\n"),
    /routes\.0\.match\.match: is not a key/,
  );
});

Deno.test("credentials in headers that routes set are shown neither in the configuration nor in errors", async () => {
  const headers = (value: string) =>
    `routes: [{name: a, request_headers: {set: {Authorization: ${value}, X-A: b}}}]`;
  const good = await load({ file: headers("Bearer geheim") });
  assert.ok(good.ok);
  assertEquals(toPublicForm(good.config)["routes"], [{
    name: "a",
    to: [],
    request_headers: { set: { Authorization: "********", "X-A": "b" } },
  }]);
  const bad = await load({ file: headers('"geheim\\nb"') });
  assert.ok(!bad.ok);
  assert.ok(!JSON.stringify(bad.problems).includes("geheim"));
});

Deno.test("the file is asked for by its own name, so that others beside it are not mistaken for it", async () => {
  const asked: string[] = [];
  const result = await loadConfig({
    flags: {},
    env: {},
    path: "mesher.yaml",
    readFile: (path) => {
      asked.push(path);
      return Promise.resolve(path === "mesher.yaml" ? "original_config: /conf" : undefined);
    },
  });
  assert.ok(!result.ok);
  assertEquals(asked[0], "mesher.yaml");
  assertEquals(asked.slice(1).every((path) => path.startsWith("/conf/")), true);
  assertEquals(result.problems.map(formatProblem), [
    "original_config: names /conf, which holds none of chassis.yaml, load_balancing.yaml, circuit_breaker.yaml, rate_limiting.yaml, router.yaml",
  ]);
});
