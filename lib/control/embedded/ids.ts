/** Random ids and the revisions of instance lists. */
import type { Random } from "../../core/ports.ts";
import { sha1Hex } from "../../core/sha1.ts";

/** Lower case hex characters; ids have to be distinct, not secret. */
export function randomHex(random: Random, length: number): string {
  let text = "";
  while (text.length < length) text += Math.floor(random() * 16).toString(16);
  return text;
}

/** What an empty list has always had as its revision. */
export const emptyRevision: string = sha1Hex("0.0,");

/**
 * The revision of a list of instances.
 *
 * Shape: equal for equal content and only then: every change of an instance has a number of its own, `changes` holds
 * those of the list in ascending order, and `epoch` tells one run of the registry from the next.
 */
export function revisionOf(epoch: string, changes: readonly number[]): string {
  return changes.length === 0 ? emptyRevision : sha1Hex(`${epoch}.${changes.join(",")}`);
}
