/** Refusals of the admin API: problem+json with one plain sentence, and where the mistake is. */
import type * as z from "zod";

/** One mistake in what was sent. */
export interface Mistake {
  /** `query.limit`, `body.level`. */
  readonly where: string;
  readonly problem: string;
}

/** Source: RFC 9457. */
export function problem(
  status: number,
  title: string,
  options: {
    readonly detail?: string;
    readonly mistakes?: readonly Mistake[];
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): Response {
  const { detail, mistakes, headers = {} } = options;
  const body = {
    title,
    status,
    ...(detail === undefined ? {} : { detail }),
    ...(mistakes === undefined ? {} : { mistakes }),
  };
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}

/** What a schema found wrong. Shape: `part` is query, path or body. */
export function mistakesOf(part: string, issues: readonly z.core.$ZodIssue[]): readonly Mistake[] {
  return issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        where: [part, ...issue.path, key].join("."),
        problem: "is not known here",
      }));
    }
    return [{ where: [part, ...issue.path].join("."), problem: issue.message }];
  });
}

/** One line for people: `query.limit: Too big`. */
export function mistakesText(mistakes: readonly Mistake[]): string {
  return mistakes.map(({ where, problem }) => `${where}: ${problem}`).join("; ");
}
