/** Figures and texts as the commands print them: short, and safe for a terminal. */

/** A time of a request: three digits that say something. Units: milliseconds. */
export function latency(ms: number | undefined): string {
  if (ms === undefined) return "-";
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms >= 100 ? Math.round(ms) : Number(ms.toPrecision(2))} ms`;
}

/** A rate or another small figure: `0`, `0.4`, `12.3`, `1240`. */
export function figure(value: number): string {
  if (value >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(2)));
}

/** Shape: `value` is in [0, 1]. A share that is not quite nothing is never shown as nothing. */
export function percent(value: number): string {
  const hundredths = value * 100;
  if (hundredths > 0 && hundredths < 0.1) return "<0.1 %";
  return `${hundredths >= 10 ? Math.round(hundredths) : Number(hundredths.toFixed(1))} %`;
}

/** Time of day of this host. Units: milliseconds since 1970. */
export function timeOfDay(wallMs: number, withMs = false): string {
  const at = new Date(wallMs);
  const two = (value: number) => String(value).padStart(2, "0");
  const seconds = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return withMs ? `${seconds}.${String(at.getMilliseconds()).padStart(3, "0")}` : seconds;
}

/** An error of the runtime's HTTP client without the layers of words around its reason. */
export function reason(text: string): string {
  return text
    .replace(/error sending request for url \([^)]*\):? ?/g, "")
    .replace(/client error \(\w+\): |tcp connect error: | \(os error \d+\)/g, "");
}

/** A text from outside: nothing in it can move a cursor, change a colour or begin another line. */
export function shown(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (one) => `\\u${one.codePointAt(0)!.toString(16).padStart(4, "0")}`,
  );
}

export interface Column {
  readonly title: string;
  /** Figures stand under each other at their right ends. */
  readonly right?: boolean;
}

/** Lines of a table. Shape: columns are as wide as they need to be; no blanks at the ends of lines. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const cells = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_, index) =>
    Math.max(...cells.map((row) => row[index]?.length ?? 0))
  );
  return cells.map((row) =>
    columns.map(({ right }, index) => {
      const cell = row[index] ?? "";
      return right === true ? cell.padStart(widths[index]!) : cell.padEnd(widths[index]!);
    }).join("  ").trimEnd()
  );
}
