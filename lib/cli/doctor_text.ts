/** `mesher doctor` as lines of text: findings first, what is well in one line. */
import type { Diagnosis } from "../control/api/shapes/doctor.ts";
import { counted, isFinding } from "../app/doctor/diagnosis.ts";
import { reason, shown } from "./words.ts";

const order: readonly Diagnosis["level"][] = ["problem", "warning", "note", "skipped", "ok"];

/** Shape: pure. `all`: what is well and what was skipped is shown look by look too. */
export function doctorLines(
  diagnoses: readonly Diagnosis[],
  { all = false }: { readonly all?: boolean } = {},
): readonly string[] {
  const sorted = order.flatMap((level) => diagnoses.filter((one) => one.level === level));
  const told = sorted.filter(({ level }) => all || (level !== "ok" && level !== "skipped"));
  const width = Math.max(0, ...told.map(({ check }) => check.length));
  const lines = told.flatMap(({ level, check, says, fix }) => {
    const name = level === "problem" ? "PROBLEM" : level;
    const head = `${name.padEnd(7)}  ${check.padEnd(width)}  ${shown(reason(says))}`;
    return fix === undefined ? [head] : [head, `${" ".repeat(9 + width)}  -> ${shown(fix)}`];
  });
  const named = (level: Diagnosis["level"]) => [
    ...new Set(diagnoses.filter((one) => one.level === level).map(({ check }) => check)),
  ];
  const rest = all ? [] : [
    ...named("ok").length > 0 ? [`well: ${named("ok").join(", ")}`] : [],
    ...named("skipped").length > 0 ? [`not looked at: ${named("skipped").join(", ")}`] : [],
  ];
  const findings = diagnoses.filter(isFinding).length;
  return [
    ...lines,
    ...lines.length > 0 && rest.length > 0 ? [""] : [],
    ...rest,
    findings === 0 ? "no findings" : counted(findings, "finding"),
  ];
}
