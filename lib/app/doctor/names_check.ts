/** Looks at names: services that differ by case only, and names that were asked for and that nobody has. */
import { closest } from "../../core/closest.ts";
import type { Diagnosis } from "../../control/api/shapes/doctor.ts";
import type { AskedName } from "./asked_names.ts";
import { counted, few, fine, note, problem, skipped, warning } from "./diagnosis.ts";

export interface NamesFacts {
  /** Of all services in the registry; undefined when they could not be asked for. */
  readonly names: readonly string[] | undefined;
  /** Asked for lately, newest first. */
  readonly asked: readonly AskedName[];
  /** Application and environment, in words. */
  readonly where: string;
}

const check = "names";
/** More than this would only repeat itself. */
const mostNamed = 5;

/** Shape: pure. */
export function judgeNames(facts: NamesFacts): readonly Diagnosis[] {
  const { names, asked } = facts;
  const found = [...judgeAsked(facts), ...judgeCase(names ?? [])];
  const otherwise = asked.flatMap(({ name, answer }) =>
    answer.kind === "service" ? [`${name} for ${answer.service}`] : []
  );
  if (otherwise.length > 0) {
    found.push(note(
      check,
      `found without regard to case: ${few(otherwise)}`,
      "many HTTP libraries lower-case host names; nothing to do as long as no other service is called so",
    ));
  }
  if (found.length > 0) return found;
  if (names === undefined) return [skipped(check, "the registry could not be asked for its names")];
  return [
    fine(
      check,
      `${counted(names.length, "service")} in ${facts.where}; nobody asked for another one`,
    ),
  ];
}

function judgeAsked({ asked, names = [], where }: NamesFacts): readonly Diagnosis[] {
  return asked.flatMap(({ name, answer }) => {
    if (answer.kind === "ambiguous") {
      return [problem(
        check,
        `"${name}" was called, which fits ${answer.names.join(" and ")}`,
        "call it exactly as it is spelled, by a client that keeps the case, or rename one of them",
      )];
    }
    // A service that has come since is none to complain of.
    if (answer.kind !== "unknown" || names.includes(name)) return [];
    const near = closest(name, names);
    const says = `"${name}" was called, but there is no such service in ${where}`;
    return [problem(
      check,
      near === undefined ? says : `${says}; did you mean ${near}?`,
      near === undefined
        ? `compare the name, MESHER_APP and MESHER_ENVIRONMENT with what the provider registers; there ${
          known(names)
        }`
        : `correct the host name in the caller: http://${near}/`,
    )];
  }).slice(0, mostNamed);
}

function known(names: readonly string[]): string {
  return names.length === 0 ? "is no service at all" : `are ${few(names, 5)}`;
}

function judgeCase(names: readonly string[]): readonly Diagnosis[] {
  const byKey = new Map<string, Set<string>>();
  for (const name of names) {
    const key = name.toLowerCase();
    byKey.set(key, (byKey.get(key) ?? new Set()).add(name));
  }
  return [...byKey.values()].filter((same) => same.size > 1).slice(0, mostNamed).map((same) =>
    warning(
      check,
      `the services ${[...same].sort().join(" and ")} differ by case only`,
      "rename one of them: clients that lower-case host names cannot say which one they mean",
    )
  );
}
