/** A status that was set for many instances at once lies over the one that each of them says itself. */
import type { InstanceStatus } from "../../core/types.ts";
import type { InstanceFields, InstanceRecord } from "./records.ts";

/** What a change leaves on a record. Units: seconds since 1970 as text, and the registry's count of changes. */
export interface ChangeMark {
  readonly modifiedAt: string;
  readonly change: number;
}

/** What is changed about one instance alone. */
export type InstanceChange = Partial<Pick<InstanceFields, "status" | "properties">>;

/**
 * The instance with a status over its own; one that already lay there is replaced.
 *
 * Shape: discovery, watchers and revisions know this status only. What the instance said itself is kept below it,
 * until the next word about this instance alone (a status, a registration) stands in place of both.
 */
export function withCover(
  instance: InstanceRecord,
  status: InstanceStatus,
  mark: ChangeMark,
): InstanceRecord {
  const { status: own, modifiedAt, change } = instance;
  return {
    ...instance,
    ...mark,
    status,
    covered: instance.covered ?? { status: own, modifiedAt, change },
  };
}

/**
 * The instance after a change of its own fields.
 *
 * Shape: a status takes away what lay over it. Properties leave that there, over an own record that changed as well;
 * the two get different marks, because their contents differ.
 */
export function withChange(
  instance: InstanceRecord,
  fields: InstanceChange,
  nextMark: () => ChangeMark,
): InstanceRecord {
  const own = fields.status === undefined ? instance.covered : undefined;
  const covered = own && { ...own, ...nextMark() };
  return { ...instance, ...fields, ...nextMark(), covered };
}

/** The record as the instance itself last wrote it. */
export function asItself(instance: InstanceRecord): InstanceRecord {
  return instance.covered ? { ...instance, ...instance.covered, covered: undefined } : instance;
}
