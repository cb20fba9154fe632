/** Copies the fields of a head that go on: as few, as long ranges as there can be. */
import type { Writer } from "./bytes.ts";
import type { Fields, Kind } from "./fields.ts";

/** A set of field kinds, a bit each. */
export type KindSet = number;

export function kindSet(...kinds: readonly Kind[]): KindSet {
  return kinds.reduce<number>((set, kind) => set | (1 << kind), 0);
}

/**
 * Copies all field lines but those whose kind is in `dropped`, in their order and with their bytes as they are.
 *
 * Cost: one copy when nothing is dropped.
 */
export function copyFields(
  writer: Writer,
  bytes: Uint8Array,
  { fields, dropped }: { readonly fields: Fields; readonly dropped: KindSet },
): void {
  const { count } = fields;
  if (count === 0) return;
  if ((fields.seen & dropped) === 0) {
    writer.range(bytes, fields.nameFrom(0), fields.lineTo(count - 1));
    return;
  }
  let runFrom = -1;
  for (let index = 0; index < count; index++) {
    if ((dropped & (1 << fields.kindOf(index))) !== 0) {
      if (runFrom >= 0) writer.range(bytes, runFrom, fields.nameFrom(index));
      runFrom = -1;
    } else if (runFrom < 0) {
      runFrom = fields.nameFrom(index);
    }
  }
  if (runFrom >= 0) writer.range(bytes, runFrom, fields.lineTo(count - 1));
}
