/** A 32-bit hash of texts whose every bit depends on all of the input: for keys, rings, shares and tables. */

const offset = 0x811c9dc5;
const prime = 0x01000193;

/**
 * The hash of a text, another one for another seed.
 *
 * Shape: an unsigned 32-bit number, the same in every thread, process, machine and version: sidecars agree on it, and
 * whoever has the same key stays on the same side over a restart.
 * Source: FNV-1a over the code units, then the final mix of MurmurHash3, as FNV alone leaves the high bits of
 * short, similar texts (addresses of one network) close together.
 * Cost: about a nanosecond a character.
 */
export function hashText(text: string, seed = 0): number {
  // Spread first: a small seed as it is would do no more than another first character.
  let hash = seed === 0 ? offset : avalanche(offset ^ seed);
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), prime);
  }
  return avalanche(hash);
}

/**
 * A new hash out of a hash and a number; neither can be told from it.
 *
 * Shape: an unsigned 32-bit number. With the same salt different hashes stay different.
 */
export function mixHash(hash: number, salt: number): number {
  return avalanche(hash ^ Math.imul(salt + 1, 0x9e3779b1));
}

/** A hash as a number in [0, 1), for shares. */
export function hashShare(hash: number): number {
  return (hash >>> 0) / 4294967296;
}

/** Spreads every bit over all of them. Shape: one to one. */
function avalanche(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
