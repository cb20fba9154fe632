/** Traffic policies changed through the admin API of a running sidecar: what its threads are told, and what callers see. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { Sidecar } from "../../lib/app/sidecar.ts";
import { takeOver } from "../../lib/cli/boot.ts";
import { loadConfig } from "../../lib/config/load.ts";
import type { TrafficPolicy } from "../../lib/core/traffic.ts";
import { createLogger } from "../../lib/platform/logger.ts";
import { within } from "../support/raw.ts";
import { callOnce } from "../support/process_http.ts";

const logger = createLogger({ level: "error" });

/** A sidecar in this process, whose file is a text, with one service behind it. */
class Running implements AsyncDisposable {
  readonly posted: TrafficPolicy[] = [];

  private constructor(
    readonly sidecar: Sidecar,
    private readonly origin: Deno.HttpServer<Deno.NetAddr>,
    private readonly registry: string,
  ) {
    const { supervisor } = sidecar;
    const post = supervisor.post.bind(supervisor);
    supervisor.post = (message) => {
      if (message.kind === "policy") this.posted.push(message.policy.traffic);
      post(message);
    };
  }

  static async start(file = ""): Promise<Running> {
    const origin = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => new Response("here"),
    );
    const registry = await Deno.makeTempFile({ suffix: ".yaml" });
    const list = `- service: Cart\n  instances: ["rest://127.0.0.1:${origin.addr.port}"]\n`;
    await Deno.writeTextFile(registry, list);
    const loaded = await load(registry, file);
    assert(loaded.ok, JSON.stringify(loaded));
    const { config, merged } = loaded;
    const sidecar = new Sidecar(config, { logger, hostName: "here", stateDir: undefined, merged });
    await sidecar.start();
    return new Running(sidecar, origin, registry);
  }

  get #admin(): string {
    const address = this.sidecar.adminAddress!;
    return "port" in address ? `http://127.0.0.1:${address.port}` : "";
  }

  async admin(method: string, path: string, value?: unknown) {
    const response = await fetch(`${this.#admin}${path}`, {
      method,
      ...(value === undefined
        ? {}
        : { body: JSON.stringify(value), headers: { "content-type": "application/json" } }),
    });
    return { status: response.status, body: await response.json() };
  }

  /** Reads another text of the file, as the watcher of a real one does. */
  async reload(file: string): Promise<void> {
    takeOver(this.sidecar, await load(this.registry, file), logger);
  }

  get originHost(): string {
    return `127.0.0.1:${this.origin.addr.port}`;
  }

  async call(url: string): Promise<number> {
    const address = this.sidecar.supervisor.address("outbound")!;
    return (await callOnce("port" in address ? address.port : 0, url)).status;
  }

  /** Threads are told without waiting for them, so the effect is waited for. */
  async untilStatus(url: string, status: number): Promise<void> {
    let last = 0;
    const seen = (async () => {
      while ((last = await this.call(url)) !== status) { /* the next call may see it */ }
    })();
    await within(seen, () => `the status ${status} of ${url}; it is ${last}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sidecar.stop();
    await this.origin.shutdown();
    await Deno.remove(this.registry);
  }
}

function load(registry: string, file: string) {
  return loadConfig({
    flags: {},
    env: {
      MESHER_REGISTRY: `file://${registry}`,
      MESHER_OUTBOUND: "127.0.0.1:0",
      MESHER_ADMIN: "127.0.0.1:0",
    },
    path: "mesher.yaml",
    readFile: () => Promise.resolve(`log: error\n${file}`),
  });
}

Deno.test("policies, a change by the admin API reaches the data threads and can be taken back", async () => {
  await using running = await Running.start("retry: {max_attempts: 2}");
  const { posted } = running;
  const put = await running.admin("PUT", "/policies/services/Cart", {
    retry: { hedge: true },
    timeouts: { response: "7s" },
    routes: [{ name: "canary", match: { callers: ["web"] }, to: [{ version: "2.0" }] }],
  });
  assertEquals([put.status, put.body.changed], [200, ["services.Cart"]]);
  const [told] = posted;
  const cart = told?.services["Cart"];
  assertEquals(
    [cart?.retry.hedge, cart?.retry.maxAttempts, cart?.responseMs, cart?.routes.length],
    [true, 2, 7000, 1],
  );
  assertEquals([told?.fallback.retry.hedge, told?.fallback.responseMs], [false, 30_000]);

  const shown = await running.admin("GET", "/policies/services/Cart");
  assertEquals(shown.body.policy.timeouts, { response: "7s" });
  assertEquals(
    [shown.body.origins["timeouts.response"], shown.body.origins["retry.max_attempts"]],
    ["admin", "file:mesher.yaml"],
  );
  assertEquals((await running.admin("DELETE", "/policies/services/Cart")).status, 200);
  assertEquals(posted[1]?.services, {});
  assertEquals((await running.admin("DELETE", "/policies/services/Cart")).status, 404);
  assertEquals(posted.length, 2);
});

Deno.test("policies, a refused change tells every mistake and nothing to the data threads", async () => {
  await using running = await Running.start();
  const { status, body } = await running.admin("PUT", "/policies/services/Cart", {
    retry: { max_attempts: 0 },
    routs: [],
  });
  assertEquals(status, 422);
  assertEquals(body.mistakes.map(({ where }: { where: string }) => where), [
    "services.Cart.retry.max_attempts",
    "services.Cart.routs",
  ]);
  assertMatch(body.mistakes[1].problem, /did you mean services\.Cart\.routes\?/);
  assertEquals(running.posted, []);
});

Deno.test("policies, callers see a change at once, over a reload of the file and until it is taken back", async () => {
  await using running = await Running.start();
  const outside = `http://${running.originHost}/`;
  assertEquals(await running.call(outside), 200);
  assertEquals((await running.admin("PUT", "/policies/egress", "deny")).status, 200);
  await running.untilStatus(outside, 403);
  assertEquals(await running.call("http://Cart/"), 200);

  await running.reload("egress: allow\nretry: {max_attempts: 9}");
  assertEquals(running.posted.at(-1)?.egress.otherwise, "deny");
  assertEquals(running.posted.at(-1)?.fallback.retry.maxAttempts, 9);
  assertEquals(await running.call(outside), 403);

  const rules = [{ hosts: ["127.0.0.1"], action: "allow" }];
  assertEquals((await running.admin("PUT", "/policies/egress_rules", rules)).status, 200);
  assertEquals(running.posted.at(-1)?.egress.rules.length, 1);
  assertEquals((await running.admin("DELETE", "/policies/egress_rules")).status, 200);
  assertEquals((await running.admin("DELETE", "/policies/egress")).status, 200);
  await running.untilStatus(outside, 200);
});

Deno.test("policies, a file that contradicts a change is refused and what runs goes on", async () => {
  await using running = await Running.start();
  assertEquals(
    (await running.admin("PUT", "/policies/retry", { base_delay: "200ms" })).status,
    200,
  );
  await running.reload("retry: {max_delay: 100ms}");
  assertEquals(running.posted.length, 1);
  assertEquals(running.sidecar.refusedReloads.count, 1);
  assertMatch(
    running.sidecar.refusedReloads.last,
    /^with what was changed by the admin API: retry\.base_delay: is longer than retry\.max_delay/,
  );
  assertEquals((await running.admin("GET", "/policies")).body.overrides, {
    retry: { base_delay: "200ms" },
  });
});
