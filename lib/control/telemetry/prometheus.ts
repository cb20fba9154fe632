/** Writes the metrics as text: Prometheus 0.0.4, or OpenMetrics 1.0 for those who ask for it. */
import type { Metric } from "./metric.ts";
import { collect, type Family, type MetricsInput, type Sample } from "./samples.ts";

export interface Exposition {
  /** Of the Content-Type field. */
  readonly type: string;
  readonly text: string;
}

type Format = "text" | "openmetrics";

const contentType: Readonly<Record<Format, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** Enough for about 250 services; a sidecar that calls more shows those it called first. */
const maxSeries = 20_000;

/**
 * All metrics in the format that the Accept field asks for.
 *
 * Cost: one pass over the blocks in use; never on a data thread.
 * Source: OpenMetrics 1.0, sections on the text format; the Prometheus text format 0.0.4.
 */
export function render(
  input: MetricsInput,
  accept: string,
  options: { readonly maxSeries?: number } = {},
): Exposition {
  const format = chooseFormat(accept);
  const families = collect(input, options.maxSeries ?? maxSeries);
  const lines = families.flatMap((family) => familyLines(family, format));
  if (format === "openmetrics") lines.push("# EOF");
  return { type: contentType[format], text: lines.join("\n") + "\n" };
}

/**
 * Shape: OpenMetrics only where it is named, in a version that is spoken here, and wanted no less than plain text.
 * Source: RFC 9110 section 12.5.1.
 */
export function chooseFormat(accept: string): Format {
  let openmetrics = 0;
  let text = 0;
  for (const range of accept.toLowerCase().split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
    const value = (name: string) =>
      parameters.find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1)
        .replaceAll('"', "");
    const weight = Number(value("q") ?? "1");
    if (!(weight >= 0 && weight <= 1)) continue;
    if (type === "application/openmetrics-text") {
      const version = value("version") ?? "1.0.0";
      if (version === "1.0.0" || version === "0.0.1") openmetrics = Math.max(openmetrics, weight);
    } else if (type === "text/plain") {
      text = Math.max(text, weight);
    }
  }
  return openmetrics > 0 && openmetrics >= text ? "openmetrics" : "text";
}

function familyLines({ metric, samples }: Family, format: Format): string[] {
  const family = format === "openmetrics" ? openMetricsName(metric) : metric.name;
  const type = metric.type === "info" && format === "text" ? "gauge" : metric.type;
  const lines = [`# HELP ${family} ${escape(metric.help)}`, `# TYPE ${family} ${type}`];
  if (format === "openmetrics" && metric.unit !== "") lines.push(`# UNIT ${family} ${metric.unit}`);
  const names = Object.keys(metric.labels);
  for (const sample of samples) {
    lines.push(`${metric.name}${sample.suffix}${labelText(sample, names)} ${number(sample.value)}`);
  }
  return lines;
}

/** There the family of a counter or an info is named without what its samples end in. */
function openMetricsName({ name, type }: Metric): string {
  if (type === "counter") return name.replace(/_total$/, "");
  return type === "info" ? name.replace(/_info$/, "") : name;
}

/** Shape: the labels that the catalog names and no others, in its order; the bound of a bucket comes last. */
function labelText({ labels }: Sample, names: readonly string[]): string {
  const parts = names.map((name) => `${name}="${escape(labels[name] ?? "")}"`);
  if (labels["le"] !== undefined) parts.push(`le="${labels["le"]}"`);
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

function number(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}

function escape(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
