/** Figures as rows of a table. */

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

export function ms(values: readonly number[]): string {
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => quantile(values, share).toFixed(2));
  return `median ${p50}, p99 ${p99}, max ${max} ms`;
}

export function row(what: string, figure: string): void {
  console.log(`| ${what} | ${figure} |`);
}

/** Memory after a collection where that can be asked for. Units: MiB. */
export function memory(): { readonly rss: number; readonly heap: number } {
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, rss } = Deno.memoryUsage();
  return { rss: Math.round(rss / 2 ** 20), heap: Math.round(heapUsed / 2 ** 20) };
}
