/** From the counters in shared memory to labelled samples, family by family, with a bound on their number. */
import { blockBase, slot, slotWidths } from "../../plane/counters.ts";
import type { ClusterSnapshot } from "../../plane/messages.ts";
import type { BlockTable } from "./blocks.ts";
import { catalog, type GaugeName } from "./catalog.ts";
import {
  readEndpoint,
  type ShownState,
  type ThreadReader,
  unknownState,
} from "./endpoint_state.ts";
import type { HistogramSlots, Metric } from "./metric.ts";

export type Labels = Readonly<Record<string, string>>;

/** A value by itself, or several told apart by labels. */
export type GaugeValue = number | readonly { readonly labels: Labels; readonly value: number }[];
export type GaugeValues = Readonly<Partial<Record<GaugeName, GaugeValue | undefined>>>;

export interface MetricsInput {
  readonly blocks: BlockTable;
  /** Sum over all threads, with those that died. */
  readonly counter: (slot: number) => number;
  readonly reader: ThreadReader;
  readonly clusters: Iterable<ClusterSnapshot>;
  readonly gauges: GaugeValues;
}

export interface Sample {
  readonly suffix: "" | "_bucket" | "_sum" | "_count";
  readonly labels: Labels;
  readonly value: number;
}

export interface Family {
  readonly metric: Metric;
  readonly samples: readonly Sample[];
}

/** One block with its labels. */
interface Row {
  readonly labels: Labels;
  readonly base: number;
}

/**
 * All families of the catalog that have something to show.
 *
 * Shape: with more than `maxSeries` samples, whole services are left out, those that came last first, so that what is
 * shown of a service is complete; what is not told by service is always there.
 */
export function collect(input: MetricsInput, maxSeries: number): readonly Family[] {
  const rows = usedRows(input);
  const clusters = [...input.clusters];
  const families = catalog.map((metric) => ({
    metric,
    samples: samplesOf(metric, { input, rows, clusters }),
  }));
  const leftOut = limit(families, maxSeries);
  return families.map((family) =>
    family.metric.source.from === "rendering"
      ? { metric: family.metric, samples: [{ suffix: "" as const, labels: {}, value: leftOut }] }
      : family
  ).filter((family) => family.samples.length > 0);
}

/** Blocks that have seen a request or a failure. */
function usedRows({ blocks, counter }: MetricsInput): readonly Row[] {
  return blocks.entries().map(({ block, direction, service }) => ({
    labels: { direction, service },
    base: blockBase(block),
  })).filter(({ base }) => {
    if (counter(base + slot.requests) > 0) return true;
    for (let index = 0; index < slotWidths.failure; index++) {
      if (counter(base + slot.failure + index) > 0) return true;
    }
    return false;
  });
}

function samplesOf(
  metric: Metric,
  { input, rows, clusters }: {
    readonly input: MetricsInput;
    readonly rows: readonly Row[];
    readonly clusters: readonly ClusterSnapshot[];
  },
): Sample[] {
  const { source } = metric;
  const single = (value: number): Sample => ({ suffix: "", labels: {}, value });
  switch (source.from) {
    case "block": {
      const { row, over, slot: at } = source;
      if (row === undefined) {
        const read = over === "sum" ? input.counter : (slot: number) => largest(input, slot);
        return rows.map(({ labels, base }) => ({ suffix: "", labels, value: read(base + at) }));
      }
      return rows.flatMap(({ labels, base }) =>
        row.values.map((name, index): Sample => ({
          suffix: "",
          labels: { ...labels, [row.label]: name },
          value: input.counter(base + at + index),
        })).filter(({ value }) => row.always || value > 0)
      );
    }
    case "block_histogram":
      return rows.flatMap((row) => histogram(row, source.slots, input.counter));
    case "thread":
      return [single(input.counter(source.slot))];
    case "endpoints":
      return clusters.flatMap((cluster) => endpointSamples(cluster, input.reader));
    case "gauge": {
      const given = input.gauges[metric.name as GaugeName];
      if (given === undefined) return [];
      return typeof given === "number"
        ? [single(given)]
        : given.map((one): Sample => ({ suffix: "", ...one }));
    }
    case "rendering":
      return [];
  }
}

function largest({ reader }: MetricsInput, slot: number): number {
  let most = 0;
  for (let thread = 0; thread < reader.threads; thread++) {
    most = Math.max(most, reader.read(thread, slot) ?? 0);
  }
  return most;
}

function histogram(
  { labels, base }: Row,
  { bounds, sum, count, buckets }: HistogramSlots,
  counter: (slot: number) => number,
): Sample[] {
  // Read first: a bucket that grows meanwhile must not make the histogram run backwards.
  const total = counter(base + count);
  let below = 0;
  const samples: Sample[] = bounds.map((bound, index) => {
    below += counter(base + buckets + index);
    return {
      suffix: "_bucket",
      labels: { ...labels, le: floatText(bound) },
      value: Math.min(below, total),
    };
  });
  return samples.concat(
    { suffix: "_bucket", labels: { ...labels, le: "+Inf" }, value: total },
    { suffix: "_sum", labels, value: counter(base + sum) },
    { suffix: "_count", labels, value: total },
  );
}

/** The form that both text formats agree on, so that a series keeps its name in either: `1.0`, `0.25`, `1e-05`. */
export function floatText(value: number): string {
  if (Number.isInteger(value)) return value.toFixed(1);
  if (value >= 0.0001) return String(value);
  return value.toExponential().replace(/e-(\d)$/, "e-0$1");
}

/** Shape: a line for each state that occurs, and always one for `healthy`, so that none is a 0 and not a gap. */
function endpointSamples(
  { service, endpoints }: ClusterSnapshot,
  reader: ThreadReader,
): Sample[] {
  const counts = new Map<ShownState, number>([["healthy", 0]]);
  const read = unknownState();
  for (const { slot } of endpoints) {
    if (slot !== undefined) readEndpoint(slot, reader, read);
    const state = slot === undefined ? "unknown" : read.state;
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return [...counts].map(([state, value]) => ({ suffix: "", labels: { service, state }, value }));
}

/** Removes the samples of services that do not fit. Shape: how many were removed. */
function limit(families: { samples: Sample[] }[], maxSeries: number): number {
  const sizes = new Map<string, number>();
  let total = 1;
  for (const { samples } of families) {
    for (const { labels } of samples) {
      total++;
      const { service } = labels;
      if (service) sizes.set(service, (sizes.get(service) ?? 0) + 1);
    }
  }
  const left = new Set<string>();
  let removed = 0;
  // Services stand in the order in which they were first called, which does not change.
  for (const [service, size] of [...sizes].reverse()) {
    if (total - removed <= maxSeries) break;
    left.add(service);
    removed += size;
  }
  if (removed > 0) {
    for (const family of families) {
      family.samples = family.samples.filter(({ labels }) => !left.has(labels["service"] ?? ""));
    }
  }
  return removed;
}
