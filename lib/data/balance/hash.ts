/** A 32-bit hash of texts and bytes whose every bit depends on all of the input: for keys, rings and shares. */

const offset = 0x811c9dc5;
const prime = 0x01000193;

/**
 * The hash of a text.
 *
 * Shape: an unsigned 32-bit number, the same on every machine. For ASCII it equals `hashBytes` of the same bytes.
 * Source: FNV-1a over the code units, then the final mix of MurmurHash3, as FNV alone leaves the high bits of
 * short, similar texts (addresses of one network) close together.
 * Cost: about a nanosecond a character.
 */
export function hashText(text: string): number {
  let hash = offset;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), prime);
  }
  return avalanche(hash);
}

/** The hash of bytes. Shape: as `hashText`. */
export function hashBytes(bytes: Uint8Array): number {
  let hash = offset;
  for (let index = 0; index < bytes.length; index++) {
    hash = Math.imul(hash ^ bytes[index]!, prime);
  }
  return avalanche(hash);
}

/** A new hash out of two numbers; neither can be told from it. Shape: an unsigned 32-bit number. */
export function mixHash(hash: number, salt: number): number {
  return avalanche(hash ^ Math.imul(salt + 1, 0x9e3779b1));
}

/** A hash as a number in [0, 1), for shares. */
export function hashShare(hash: number): number {
  return (hash >>> 0) / 4294967296;
}

/** Spreads every bit over all of them. Shape: one to one, so that different numbers stay different. */
export function avalanche(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
