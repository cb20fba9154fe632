/** Many records of endpoints as bytes in shared memory: each can be read by itself, and most never have to be. */
import { formatHostPort } from "../core/address.ts";
import { hashText } from "../core/hash.ts";
import type { EndpointSnapshot, PackedRecords, RecordKind } from "./messages.ts";

/** The numbers of one record, 32 bits each, in the order in which they lie before the texts. */
const field = { end: 0, kind: 1, slot: 2, hash: 3 } as const;
const fieldCount = 4;
const noSlot = 0xffff_ffff;
/** Records are turned into bytes so many at a time. */
const batch = 256;
/**
 * Records that are read together. It takes half a millisecond; and it is just enough for the engine to put what it
 * parses where long-lived objects belong, so that no quick collection has to move it.
 */
const stretchBytes = 104 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function packRecords(records: readonly EndpointSnapshot[]): PackedRecords {
  const fields = new Uint32Array(records.length * fieldCount);
  const kinds = new Kinds();
  const texts: Uint8Array[] = [];
  let end = fields.byteLength;
  for (let from = 0; from < records.length; from += batch) {
    const some = records.slice(from, from + batch).map((record) => `${JSON.stringify(record)},`);
    const text = encoder.encode(some.join(""));
    texts.push(text);
    const lengths = byteLengths(some, text.length);
    some.forEach((_, index) => {
      const record = records[from + index]!;
      const at = (from + index) * fieldCount;
      fields[at + field.end] = end += lengths[index]!;
      fields[at + field.kind] = kinds.numberOf(record);
      fields[at + field.slot] = record.slot ?? noSlot;
      fields[at + field.hash] = addressHash(record);
    });
  }
  const bytes = new SharedArrayBuffer(end);
  new Uint32Array(bytes, 0, fields.length).set(fields);
  let at = fields.byteLength;
  for (const text of texts) {
    new Uint8Array(bytes, at).set(text);
    at += text.length;
  }
  return { count: records.length, kinds: kinds.all, bytes };
}

function byteLengths(texts: readonly string[], together: number): readonly number[] {
  const lengths = texts.map((text) => text.length);
  const plain = lengths.reduce((sum, length) => sum + length, 0) === together;
  return plain ? lengths : texts.map((text) => encoder.encode(text).length);
}

function addressHash({ host, port }: { readonly host: string; readonly port: number }): number {
  return hashText(formatHostPort(host, port));
}

/** Numbers kinds in the order in which they come up. */
class Kinds {
  readonly all: RecordKind[] = [];
  readonly #numbers = new Map<string, number>();

  numberOf({ region, weight = 1, zone }: EndpointSnapshot): number {
    const last = this.all.at(-1);
    // Mostly they are all of one kind.
    if (
      last !== undefined && last.weight === weight && last.zone === zone && last.region === region
    ) return this.all.length - 1;
    const key = JSON.stringify([weight, zone, region]);
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.all.length;
      this.#numbers.set(key, number);
      this.all.push({
        weight,
        ...(zone === undefined ? {} : { zone }),
        ...(region === undefined ? {} : { region }),
      });
    }
    return number;
  }
}

/** The records of a pack. */
export class RecordPack {
  readonly count: number;
  readonly kinds: readonly RecordKind[];
  readonly #fields: Uint32Array;
  readonly #bytes: SharedArrayBuffer;

  constructor({ bytes, count, kinds }: PackedRecords) {
    this.count = count;
    this.kinds = kinds;
    this.#bytes = bytes;
    this.#fields = new Uint32Array(bytes, 0, count * fieldCount);
  }

  /** The number of a record's kind. */
  kindOf(index: number): number {
    return this.#fields[index * fieldCount + field.kind]!;
  }

  /** Its slot in the counters. Shape: undefined for none. */
  slotOf(index: number): number | undefined {
    const slot = this.#fields[index * fieldCount + field.slot]!;
    return slot === noSlot ? undefined : slot;
  }

  /** Whether a record may be the one of an address. Shape: now and then it is not; to be asked with `mark`. */
  mayBe(index: number, mark: number): boolean {
    return this.#fields[index * fieldCount + field.hash] === mark;
  }

  static mark(address: { readonly host: string; readonly port: number }): number {
    return addressHash(address);
  }

  /** Cost: about a microsecond. */
  read(index: number): EndpointSnapshot {
    const from = this.#end(index - 1);
    // Without the comma behind it.
    return JSON.parse(this.#text(from, this.#end(index) - 1)) as EndpointSnapshot;
  }

  /** Where the stretch ends that is best read at once from a record on. */
  stretchEnd(from: number): number {
    const enough = this.#end(from - 1) + stretchBytes;
    let low = from + 1;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#end(middle - 1) < enough) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  readStretch(from: number, to: number): readonly EndpointSnapshot[] {
    const text = this.#text(this.#end(from - 1), this.#end(to - 1) - 1);
    return JSON.parse(`[${text}]`) as readonly EndpointSnapshot[];
  }

  #end(index: number): number {
    return index < 0 ? this.count * fieldCount * 4 : this.#fields[index * fieldCount + field.end]!;
  }

  #text(from: number, to: number): string {
    return decoder.decode(new Uint8Array(this.#bytes, from, to - from));
  }
}
