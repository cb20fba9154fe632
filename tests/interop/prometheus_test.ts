/** A real Prometheus scrapes real sidecars, and its tool has nothing to say against the metrics, rules and dashboard. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { type Lab, until } from "../support/process.ts";
import { callOnce, serveApp } from "../support/process_http.ts";
import { pickPort } from "../support/ports.ts";
import type { SidecarProcess } from "../support/process_mesher.ts";
import { startPair } from "../support/process_pair.ts";
import { toolStory } from "../support/process_tools.ts";
import { alertsPath, dashboardQueries, readRules } from "../support/monitoring.ts";

const openMetrics = "application/openmetrics-text; version=1.0.0";
const ruleTests = new URL("./prometheus/alerts_test.yml", import.meta.url).pathname;

/** Two sidecars after calls that went well and one that could not. */
async function busyPair(lab: Lab) {
  const pair = await startPair(lab, serveApp(lab, () => new Response("hello")));
  const { consumer } = pair;
  for (let count = 0; count < 5; count++) {
    const { status } = await callOnce(consumer.outbound, "http://AccountService/hello");
    assertEquals(status, 200);
  }
  assertEquals((await callOnce(consumer.outbound, "http://NoSuchService/")).status, 503);
  return pair;
}

async function metricsOf({ admin }: SidecarProcess, accept?: string): Promise<Response> {
  return await fetch(`http://127.0.0.1:${admin}/metrics`, {
    headers: accept === undefined ? {} : { accept },
  });
}

toolStory(
  "promtool, finds nothing wrong with the metrics of both sidecars",
  ["promtool"],
  async (lab) => {
    const { consumer, provider } = await busyPair(lab);
    for (const sidecar of [consumer, provider]) {
      const text = await (await metricsOf(sidecar)).text();
      const { code, stdout, stderr } = await lab.run(["promtool", "check", "metrics"], {
        stdin: text,
      });
      assertEquals([code, stdout, stderr], [0, "", ""]);
      assert(text.includes("mesher_requests_total{"));
    }
  },
);

toolStory("promtool, takes the alert rules, and each fires when it should and only then", [
  "promtool",
], async (lab) => {
  const checked = await lab.run(["promtool", "check", "rules", alertsPath]);
  assertEquals(checked.code, 0, checked.stdout + checked.stderr);
  const rules = (await readRules()).flatMap((group) => group.rules);
  assertMatch(checked.stdout, new RegExp(`${rules.length} rules found`));
  const tested = await lab.run(["promtool", "test", "rules", ruleTests]);
  assertEquals(tested.code, 0, tested.stdout + tested.stderr);
  const cases = await Deno.readTextFile(ruleTests);
  for (const { alert } of rules) {
    assert(cases.includes(`alertname="${alert}",alertstate="firing"`), `${alert} is not tested`);
  }
});

toolStory("promtool, takes every query of the dashboard", ["promtool"], async (lab) => {
  const queries = await dashboardQueries();
  const rules = queries.map(({ expr }, index) => ({ record: `dashboard:query${index}`, expr }));
  const path = `${lab.folder}/queries.json`;
  // JSON is YAML.
  await Deno.writeTextFile(path, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
  const { code, stdout, stderr } = await lab.run(["promtool", "check", "rules", path]);
  assertEquals(code, 0, stdout + stderr);
  assert(queries.length > 40);
});

async function startPrometheus(lab: Lab, targets: readonly SidecarProcess[]): Promise<string> {
  const port = pickPort();
  const path = `${lab.folder}/prometheus.json`;
  await Deno.writeTextFile(
    path,
    JSON.stringify({
      global: { scrape_interval: "1s", evaluation_interval: "1s" },
      rule_files: [alertsPath],
      scrape_configs: [{
        job_name: "mesher",
        static_configs: [{ targets: targets.map(({ admin }) => `127.0.0.1:${admin}`) }],
      }],
    }),
  );
  const process = lab.start("prometheus", [
    "prometheus",
    `--config.file=${path}`,
    `--storage.tsdb.path=${lab.folder}/tsdb`,
    `--web.listen-address=127.0.0.1:${port}`,
  ]);
  await process.line(/Server is ready to receive web requests/);
  return `http://127.0.0.1:${port}/api/v1`;
}

interface Answer<T> {
  readonly status: string;
  readonly data: T;
}

async function ask<T>(api: string, path: string): Promise<T> {
  const answer = await (await fetch(`${api}/${path}`)).json() as Answer<T>;
  assertEquals(answer.status, "success", JSON.stringify(answer));
  return answer.data;
}

interface Vector {
  readonly result: readonly {
    readonly metric: Readonly<Record<string, string>>;
    readonly value: readonly [number, string];
  }[];
}

async function query(api: string, expr: string): Promise<Vector["result"]> {
  return (await ask<Vector>(api, `query?query=${encodeURIComponent(expr)}`)).result;
}

toolStory(
  "prometheus, scrapes both sidecars and has every number as they show it",
  ["prometheus"],
  async (lab) => {
    const { consumer, provider } = await busyPair(lab);
    const api = await startPrometheus(lab, [consumer, provider]);
    await until(
      async () => (await query(api, "up == 1")).length === 2 ? true : undefined,
      "two targets that are up",
    );
    const [served] = await query(
      api,
      'mesher_requests_total{direction="outbound",service="AccountService",status="2xx"}',
    );
    assertEquals(served!.value[1], "5");
    const [unknown] = await query(api, 'mesher_failures_total{code="service_unknown"}');
    // A label that is empty is none to Prometheus.
    assertEquals([unknown!.value[1], unknown!.metric["service"]], ["1", undefined]);
    const [inbound] = await query(
      api,
      'mesher_request_duration_seconds_count{direction="inbound"}',
    );
    assertEquals(inbound!.value[1], "5");
    // Units are told in OpenMetrics only: it was asked for and understood.
    const metadata = await ask<readonly { readonly unit: string; readonly type: string }[]>(
      api,
      "targets/metadata?metric=mesher_request_duration_seconds",
    );
    assertEquals(
      new Set(metadata.map(({ unit, type }) => `${type} ${unit}`)),
      new Set(["histogram seconds"]),
    );
    const { groups } = await ask<{
      readonly groups: readonly {
        readonly rules: readonly { readonly health: string; readonly lastError?: string }[];
      }[];
    }>(api, "rules");
    const errors = groups.flatMap(({ rules }) => rules.flatMap(({ lastError }) => lastError ?? []));
    assertEquals(errors, []);
  },
);

toolStory(
  "prometheus, every query of the dashboard can be answered",
  ["prometheus"],
  async (lab) => {
    const { consumer, provider } = await busyPair(lab);
    const api = await startPrometheus(lab, [consumer, provider]);
    await until(
      async () => (await query(api, "up == 1")).length === 2 ? true : undefined,
      "two targets that are up",
    );
    const answered = [];
    for (const { expr } of await dashboardQueries()) {
      if ((await query(api, expr)).length > 0) answered.push(expr);
    }
    assert(answered.length > 10, answered.join("\n"));
  },
);

toolStory(
  "metrics, come in OpenMetrics to those who ask for it and as text to all others",
  [],
  async (lab) => {
    const { consumer } = await busyPair(lab);
    const asked: readonly (readonly [accept: string | undefined, type: RegExp, end: RegExp])[] = [
      [undefined, /^text\/plain; version=0\.0\.4/, /\d\n$/],
      ["text/html", /^text\/plain; version=0\.0\.4/, /\d\n$/],
      [openMetrics, /^application\/openmetrics-text; version=1\.0\.0/, /\n# EOF\n$/],
    ];
    for (const [accept, type, end] of asked) {
      const response = await metricsOf(consumer, accept);
      assertMatch(response.headers.get("content-type")!, type);
      assertMatch(await response.text(), end);
    }
  },
);
