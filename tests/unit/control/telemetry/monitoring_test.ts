/** Alert rules and dashboard speak of metrics and labels that there are. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { catalog } from "../../../../lib/control/telemetry/catalog.ts";
import {
  dashboardQueries,
  type Panel,
  type Query,
  readDashboard,
  readRules,
} from "../../../support/monitoring.ts";

/** Labels that Prometheus itself puts on, and the one of buckets. */
const everywhere = new Set(["job", "instance", "le"]);

const groups = await readRules();
const rules = groups.flatMap((group) => group.rules);
const dashboard = await readDashboard();

function metricOf(name: string) {
  return catalog.find((metric) => {
    if (metric.type !== "histogram") return metric.name === name;
    return ["_bucket", "_sum", "_count"].some((suffix) => metric.name + suffix === name);
  });
}

/** Words that a query has for metrics and labels, outside of texts. */
function unknownWords({ expr }: Query): readonly string[] {
  const wrong: string[] = [];
  for (const [, name, selector = ""] of expr.matchAll(/\b((?:mesher|process)_\w+)(\{[^}]*\})?/g)) {
    const metric = metricOf(name!);
    if (metric === undefined) wrong.push(name!);
    for (const [, label] of selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)) {
      if (!everywhere.has(label!) && !(label! in (metric?.labels ?? {}))) {
        wrong.push(`${name}{${label}}`);
      }
    }
  }
  const labels = new Set(catalog.flatMap((metric) => Object.keys(metric.labels)));
  for (const [, list] of expr.matchAll(/\b(?:by|on)\s*\(([^)]*)\)/g)) {
    for (const label of list!.split(",").map((one) => one.trim())) {
      if (!everywhere.has(label) && !labels.has(label)) wrong.push(label);
    }
  }
  return wrong;
}

for (const { alert, expr, labels, annotations } of rules) {
  Deno.test(`alert ${alert}, asks for what there is, and says what to look at`, () => {
    assertEquals(unknownWords({ title: alert, expr }), []);
    assertMatch(expr, /\b(mesher|process)_/);
    assertMatch(labels["severity"]!, /^(page|ticket)$/);
    assertEquals(Object.keys(annotations), ["summary", "check"]);
    for (const text of Object.values(annotations)) {
      for (const [name] of text.matchAll(/\bmesher_\w+/g)) assert(metricOf(name), name);
    }
  });
}

Deno.test("alerts, every one has a name of its own", () => {
  assertEquals(new Set(rules.map(({ alert }) => alert)).size, rules.length);
});

for (const query of await dashboardQueries()) {
  Deno.test(`dashboard, ${query.title}, asks for what there is: ${query.expr}`, () => {
    assertEquals(unknownWords(query), []);
  });
}

Deno.test("dashboard, its variables ask for labels that there are", () => {
  const asked = dashboard.templating.list.flatMap(({ definition }) => definition ?? []);
  for (const definition of asked) {
    const [, expr, label] = /^label_values\((.*), (\w+)\)$/.exec(definition)!;
    assertEquals(unknownWords({ title: definition, expr: expr! }), []);
    const known = metricOf(/^\w+/.exec(expr!)![0])!;
    assert(everywhere.has(label!) || label! in known.labels, definition);
  }
  assertEquals(asked.length, 3);
});

function overlap(a: Panel, b: Panel): boolean {
  const one = a.gridPos, other = b.gridPos;
  return one.x < other.x + other.w && other.x < one.x + one.w && one.y < other.y + other.h &&
    other.y < one.y + one.h;
}

Deno.test("dashboard, panels have their own ids and places, and a word on what they show", () => {
  const { panels } = dashboard;
  assertEquals(new Set(panels.map(({ id }) => id)).size, panels.length);
  for (const [index, panel] of panels.entries()) {
    assert(panel.gridPos.x + panel.gridPos.w <= 24, panel.title);
    for (const other of panels.slice(0, index)) assert(!overlap(panel, other), panel.title);
    if (panel.type !== "row") assert((panel.description ?? "").length > 10, panel.title);
  }
});

Deno.test("dashboard and alerts, leave few metrics that nobody looks at", async () => {
  const text = [...await dashboardQueries(), ...rules].map(({ expr }) => expr).join("\n");
  const unseen = catalog.map(({ name }) => name).filter((name) =>
    !new RegExp(`\\b${name}(?:_bucket)?\\b`).test(text)
  );
  assertEquals(unseen, [
    "mesher_attempts_total",
    "mesher_mirrored_requests_total",
    "mesher_delayed_requests_total",
    "mesher_data_loop_turns_total",
    "mesher_registry_watch_connected",
    "mesher_data_threads",
    "mesher_configuration_revision",
    "mesher_spans_sent_total",
    "mesher_spans_waiting",
  ]);
});
