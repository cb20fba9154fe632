/** `mesher explain` as lines of text. */
import { formatDuration } from "../core/duration.ts";
import { failureTable } from "../core/errors.ts";
import type { ServicePolicy } from "../core/traffic.ts";
import type { ExplanationView } from "../control/api/shapes/events.ts";
import { type Column, percent, shown, table } from "./words.ts";

/** What was asked. */
export interface Asked {
  readonly method: string;
  readonly url: string;
}

const columns: readonly Column[] = [
  { title: "" },
  { title: "CANDIDATE" },
  { title: "STATE" },
  { title: "SHARE", right: true },
  { title: "WHY NOT" },
];
const mostCandidates = 50;

/** Shape: pure. What it ends in comes first, for that is what was asked. */
export function explainLines(
  explanation: ExplanationView,
  { method, url }: Asked,
): readonly string[] {
  const { failure, policy } = explanation;
  // What it ends in is said first already.
  const steps = explanation.steps.filter(({ step }) => failure === undefined || step !== "end");
  const width = Math.max(...steps.map(({ step }) => step.length), "policy".length);
  const line = (name: string, words: string) => `  ${name.padEnd(width)}  ${shown(words)}`;
  const words = policy === undefined ? "" : policyWords(policy as Partial<ServicePolicy>);
  return [
    `${shown(method)} ${shown(url)}`,
    ...endLines(explanation),
    "",
    ...steps.map(({ step, result }) => line(step, result)),
    ...words === "" ? [] : [line("policy", words)],
    ...candidateLines(explanation),
  ];
}

function endLines({ pick, failure }: ExplanationView): readonly string[] {
  if (failure === undefined) {
    return [pick === undefined ? "would be answered here" : `would go to ${shown(pick)}`];
  }
  const { status, title, check } = failureTable[failure.code];
  return [
    `would FAIL: ${status} ${failure.code}: ${title}`,
    `  ${shown(failure.detail)}`,
    `  ${check}`,
  ];
}

function candidateLines({ candidates, pick }: ExplanationView): string[] {
  if (candidates.length === 0) return [];
  const rows = candidates.slice(0, mostCandidates).map(({ endpoint, state, share, excluded }) => [
    endpoint === pick ? ">" : "",
    shown(endpoint),
    shown(state),
    excluded !== undefined || share === undefined ? "-" : percent(share),
    shown(excluded ?? ""),
  ]);
  const rest = candidates.length - rows.length;
  return [
    "",
    ...table(columns, rows).map((line) => `  ${line}`),
    ...rest > 0 ? [`  and ${rest} more; --json shows all`] : [],
  ];
}

/** The parts of a policy that decide most about one call. */
function policyWords(
  { balance, retry, responseMs, concurrency, breaker, rateLimits, outlier }: Partial<ServicePolicy>,
): string {
  return [
    balance && `balanced by ${balance.kind}`,
    responseMs !== undefined && `answer within ${formatDuration(responseMs)}`,
    retry && (retry.maxAttempts < 2 ? "no retries" : `at most ${retry.maxAttempts} attempts`),
    retry?.hedge && "hedged",
    outlier?.enabled && `ejected after ${outlier.consecutiveFailures} failures in a row`,
    breaker && breaker.force !== "none" && `circuit forced ${breaker.force}`,
    breaker?.enabled && `circuit opens at ${percent(breaker.errorShare)} errors`,
    concurrency?.adaptive && "adaptive limit",
    concurrency && concurrency.limit > 0 && `at most ${concurrency.limit} at a time`,
    ...(rateLimits ?? []).map(({ perSecond }) => `at most ${perSecond}/s`),
  ].filter((part) => typeof part === "string").join(", ");
}
