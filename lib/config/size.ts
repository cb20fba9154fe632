/** Sizes as people write them: `65536`, `64KiB`, `1MiB`. */

const unitBytes: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** Units: bytes. Undefined when the text is no size. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d{1,15})\s?(B|KiB|MiB|GiB|)$/.exec(text.trim());
  if (!match) return undefined;
  const bytes = Number(match[1]) * unitBytes[match[2]!]!;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The shortest exact spelling; the inverse of parseSize. A plain number where no unit divides it. */
export function formatSize(bytes: number): string | number {
  for (const unit of ["GiB", "MiB", "KiB"] as const) {
    if (bytes !== 0 && bytes % unitBytes[unit]! === 0) return `${bytes / unitBytes[unit]!}${unit}`;
  }
  return bytes;
}
