/** What one look at something gave, and how often-used kinds of it are written. */
import type { Diagnosis } from "../../control/api/shapes/doctor.ts";

/** Nothing is wrong. */
export function fine(check: string, says: string): Diagnosis {
  return { check, level: "ok", says };
}

/** Worth knowing, nothing is wrong. */
export function note(check: string, says: string, fix?: string): Diagnosis {
  return { check, level: "note", says, ...(fix === undefined ? {} : { fix }) };
}

/** It could not be looked at; says why. */
export function skipped(check: string, says: string): Diagnosis {
  return { check, level: "skipped", says };
}

/** Something is wrong that calls survive. */
export function warning(check: string, says: string, fix: string): Diagnosis {
  return { check, level: "warning", says, fix };
}

/** Calls fail or will fail. */
export function problem(check: string, says: string, fix: string): Diagnosis {
  return { check, level: "problem", says, fix };
}

/** Whether somebody has to do something. */
export function isFinding({ level }: Diagnosis): boolean {
  return level === "problem" || level === "warning";
}

/** A few of many, with how many more there are. */
export function few(all: readonly string[], most = 3): string {
  const shown = all.slice(0, most).join(", ");
  return all.length > most ? `${shown} and ${all.length - most} more` : shown;
}

/** `1 endpoint`, `2 endpoints`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
