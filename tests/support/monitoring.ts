/** The queries of the dashboard and the alert rules under config/, for tests that check them. */
import { parse } from "@std/yaml";

const config = new URL("../../config/", import.meta.url);

/** Windows paths aside, where promtool finds the rules. */
export const alertsPath = new URL("alerts.yml", config).pathname;

export interface Query {
  /** Alert or panel that it belongs to. */
  readonly title: string;
  readonly expr: string;
}

interface Rules {
  readonly groups: readonly {
    readonly name: string;
    readonly rules: readonly {
      readonly alert: string;
      readonly expr: string;
      readonly labels: Readonly<Record<string, string>>;
      readonly annotations: Readonly<Record<string, string>>;
    }[];
  }[];
}

export async function readRules(): Promise<Rules["groups"]> {
  const rules = parse(await Deno.readTextFile(new URL("alerts.yml", config))) as Rules;
  return rules.groups;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly targets?: readonly { readonly expr: string }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly definition?: string }[];
  };
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
}

export async function readDashboard(): Promise<Dashboard> {
  return JSON.parse(await Deno.readTextFile(new URL("grafana.json", config)));
}

/** Everything that the dashboard asks, with its variables as Grafana would fill them in. */
export async function dashboardQueries(): Promise<readonly Query[]> {
  const { panels, annotations } = await readDashboard();
  const asked = [
    ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr }))),
    ...annotations.list.map(({ expr }) => ({ title: "annotations", expr })),
  ];
  return asked.map(({ title, expr }) => ({
    title,
    expr: expr.replaceAll("$__rate_interval", "5m").replaceAll(/\$\w+/g, ".*"),
  }));
}
