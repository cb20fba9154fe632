/** Watching the requests of a data plane in a test. */
import type {
  ExplainQuestion,
  Explanation,
  ObservePolicy,
  RequestRecord,
} from "../../lib/plane/observe.ts";
import { recordsIn } from "../../lib/plane/record_batch.ts";
import type { Plane } from "./plane.ts";

/** Every request, for one tap. */
export const everything: ObservePolicy = { logShare: 0, taps: [{ id: 1, perSecond: 1e6 }] };

/** From now on requests are watched; without a policy all of them are. */
export async function watch(plane: Plane, observe: ObservePolicy = everything): Promise<void> {
  await plane.post({ kind: "observe", observe });
}

/** All records that have come, in their order. */
export function recordsOf(plane: Plane): readonly RequestRecord[] {
  return plane.received.flatMap((message) =>
    message.kind === "records" ? [...recordsIn(message.batch)] : []
  );
}

/** Waits until so many records have come. */
export async function records(plane: Plane, count: number): Promise<readonly RequestRecord[]> {
  await plane.until(
    () => recordsOf(plane).length >= count,
    () => `${count} records; there are ${JSON.stringify(recordsOf(plane))}`,
  );
  return recordsOf(plane);
}

/** Waits for the one record of a plane that has served one request. */
export async function onlyRecord(plane: Plane): Promise<RequestRecord> {
  const [record] = await records(plane, 1);
  return record!;
}

let questions = 0;

/** What the plane's thread says would become of a request. */
export async function explained(
  plane: Plane,
  url: string,
  { headers = [], method = "GET" }: Partial<Pick<ExplainQuestion, "headers" | "method">> = {},
): Promise<Explanation> {
  const id = ++questions;
  plane.supervisor.post({ kind: "explain", question: { id, method, url, headers } });
  const message = await plane.message(
    (each) => each.kind === "explained" && each.id === id,
    `an explanation of ${url}`,
  );
  if (message.kind !== "explained") throw new Error("unreachable");
  return message.explanation;
}

/** What an explanation says at one step; several results are joined. */
export function stepOf({ steps }: Explanation, step: string): string {
  return steps.filter((each) => each.step === step).map(({ result }) => result).join("; ");
}

/** The candidates as `state` or `state: why not`, in their order. */
export function statesOf(explanation: Explanation): readonly string[] {
  return explanation.candidates.map(({ state, excluded }) =>
    excluded === undefined ? state : `${state}: ${excluded}`
  );
}
