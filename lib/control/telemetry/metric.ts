/** What is said of a metric, and the short forms in which the catalog says it. */
import { firstServiceBlock, maxBlocks } from "../../plane/counters.ts";

export type MetricType = "counter" | "gauge" | "histogram" | "info";

/** Where a value comes from. `over`: how the values of several data threads become one. */
export type Source =
  /** One slot of each service's block, or a row of them with a label that tells them apart. */
  | {
    readonly from: "block";
    readonly slot: number;
    readonly over: "sum" | "max";
    readonly row?: LabelledRow;
  }
  | { readonly from: "block_histogram"; readonly slots: HistogramSlots }
  | { readonly from: "thread"; readonly slot: number }
  /** The slots of the endpoints of each service. */
  | { readonly from: "endpoints" }
  /** What this rendering itself had to leave out. */
  | { readonly from: "rendering" }
  /** Handed in by name. */
  | { readonly from: "gauge" };

export interface LabelledRow {
  readonly label: string;
  /** In slot order. */
  readonly values: readonly string[];
  /** Shown while it is 0 too, so that the first one is seen as a growth. */
  readonly always: boolean;
}

/** First slots within a block. Units: seconds. */
export interface HistogramSlots {
  readonly bounds: readonly number[];
  readonly sum: number;
  readonly count: number;
  readonly buckets: number;
}

export interface Metric {
  /** As Prometheus shows it: counters with `_total`, an info with `_info`. */
  readonly name: string;
  readonly type: MetricType;
  readonly unit: "seconds" | "bytes" | "";
  readonly help: string;
  /** Label names in their order, each with the number of values that it can have at most. */
  readonly labels: Readonly<Record<string, number>>;
  readonly source: Source;
}

/** Services have a block each; those that found none free share one, named by an empty text. */
export const mostServices = maxBlocks - firstServiceBlock + 1;
const perService = { direction: 3, service: mostServices } as const;

function unitOf(name: string): Metric["unit"] {
  const stem = name.replace(/_total$/, "");
  if (stem.endsWith("_seconds")) return "seconds";
  return stem.endsWith("_bytes") ? "bytes" : "";
}

function typeOf(name: string): MetricType {
  if (name.endsWith("_total")) return "counter";
  return name.endsWith("_info") ? "info" : "gauge";
}

/** One slot of every service's block. */
export function ofService(name: string, help: string, at: number): Metric {
  const source = { from: "block", slot: at, over: "sum" } as const;
  return { name, type: typeOf(name), unit: unitOf(name), help, labels: perService, source };
}

/** One slot of every service's block that says the same in every thread, so that the largest value is the one. */
export function ofServiceMax(name: string, help: string, at: number): Metric {
  return { ...ofService(name, help, at), source: { from: "block", slot: at, over: "max" } };
}

/** A row of slots of every service's block. */
export function ofServiceRow(name: string, help: string, at: number, row: LabelledRow): Metric {
  return {
    ...ofService(name, help, at),
    labels: { ...perService, [row.label]: row.values.length },
    source: { from: "block", slot: at, over: "sum", row },
  };
}

export function ofServiceHistogram(name: string, help: string, slots: HistogramSlots): Metric {
  const source = { from: "block_histogram", slots } as const;
  return { name, type: "histogram", unit: unitOf(name), help, labels: perService, source };
}

/** One slot of the data threads themselves. */
export function ofThreads(name: string, help: string, at: number): Metric {
  const source = { from: "thread", slot: at } as const;
  return { name, type: typeOf(name), unit: unitOf(name), help, labels: {}, source };
}

/** A value that is handed in by its name. */
export function given<const Name extends string>(
  name: Name,
  help: string,
  labels: Readonly<Record<string, number>> = {},
) {
  const source = { from: "gauge" } as const;
  return { name, type: typeOf(name), unit: unitOf(name), help, labels, source } as const;
}
