/** What differs between two sets of one service, in a form that a data thread applies without looking anything up. */
import type {
  ChangeRecords,
  ClusterChange,
  ClusterSnapshot,
  EndpointSnapshot,
} from "./messages.ts";
import { packRecords } from "./record_pack.ts";

/** So few records are sent as they are. */
const fewRecords = 64;

/** A set with the number that changes name it by. */
export interface NumberedSet {
  readonly number: number;
  readonly cluster: ClusterSnapshot;
}

/** The whole set as a change of nothing. */
export function wholeChange({ cluster, number }: NumberedSet): ClusterChange {
  const { service, block, endpoints, unusable } = cluster;
  return {
    service,
    block,
    base: 0,
    number,
    splices: endpoints.length === 0 ? [] : [0, 0, endpoints.length],
    added: packed(endpoints),
    kept: [],
    unusable,
  };
}

/**
 * What makes the older set into the newer one.
 *
 * Shape: pure; both are of one service and one block.
 * Cost: a comparison for each endpoint, which is one of identity where the records are shared by both sets.
 */
export function changeBetween(older: NumberedSet, newer: NumberedSet): ClusterChange {
  const { service, block, endpoints, unusable } = newer.cluster;
  const { splices, added, kept } = differences(older.cluster.endpoints, endpoints);
  return {
    service,
    block,
    base: older.number,
    number: newer.number,
    splices,
    added: packed(added),
    kept,
    unusable,
  };
}

interface Differences {
  readonly splices: number[];
  readonly added: EndpointSnapshot[];
  readonly kept: number[];
}

/** Shape: not always the fewest; a set whose order is another one is sent as if most of it were new. */
function differences(
  before: readonly EndpointSnapshot[],
  after: readonly EndpointSnapshot[],
): Differences {
  const splices: number[] = [];
  const added: EndpointSnapshot[] = [];
  /** Where those that left were, by address. */
  const left = new Map<string, number>();
  let members: { readonly before: Set<unknown>; readonly after: Set<unknown> } | undefined;
  let from = 0;
  let to = 0;
  while (from < before.length || to < after.length) {
    if (from < before.length && to < after.length && sameRecord(before[from]!, after[to]!)) {
      from++;
      to++;
      continue;
    }
    // Equal records are the same object in both sets, or a change is larger than it need be.
    members ??= { before: new Set(before), after: new Set(after) };
    const [at, first] = [from, added.length];
    for (;;) {
      const old = before[from];
      const fresh = after[to];
      if (old !== undefined && fresh !== undefined && sameRecord(old, fresh)) break;
      if (old !== undefined && (fresh === undefined || !members.after.has(old))) {
        left.set(keyOf(old), from++);
      } else if (fresh !== undefined && (old === undefined || !members.before.has(fresh))) {
        added.push(fresh);
        to++;
      } else if (old !== undefined) {
        left.set(keyOf(old), from++);
      } else break;
    }
    splices.push(at, from - at, added.length - first);
  }
  const kept: number[] = [];
  added.forEach((record, index) => {
    const key = keyOf(record);
    const was = left.get(key);
    if (was === undefined) return;
    left.delete(key);
    kept.push(index, was, record.instanceId === before[was]!.instanceId ? 0 : 1);
  });
  return { splices, added, kept };
}

function keyOf({ host, port }: EndpointSnapshot): string {
  return `${host} ${port}`;
}

/** Whether two records of an endpoint say the same. */
export function sameRecord(a: EndpointSnapshot, b: EndpointSnapshot): boolean {
  return a === b ||
    a.host === b.host && a.port === b.port && a.instanceId === b.instanceId &&
      a.version === b.version && a.mesher === b.mesher && a.slot === b.slot &&
      a.region === b.region && a.zone === b.zone && a.weight === b.weight &&
      sameTags(a.tags, b.tags);
}

function sameTags(a: EndpointSnapshot["tags"], b: EndpointSnapshot["tags"]): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}

function packed(records: readonly EndpointSnapshot[]): ChangeRecords {
  return records.length <= fewRecords
    ? { kind: "few", records }
    : { kind: "many", records: packRecords(records) };
}
