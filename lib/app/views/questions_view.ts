/** What a running sidecar finds out when it is asked: what would become of a request, and what is wrong. */
import type { DoctorReport } from "../../control/api/shapes/doctor.ts";
import type { ExplainBody } from "../../control/api/shapes/events.ts";
import { isIpLiteral } from "../../core/address.ts";
import type { Explanation } from "../../plane/observe.ts";
import type { Doctor } from "../doctor/inside.ts";
import type { Sidecar } from "../sidecar.ts";

/** What would become of a request. Errors: when no data thread answers in time. */
export async function explain(sidecar: Sidecar, question: ExplainBody): Promise<Explanation> {
  const host = /^http:\/\/(?:\[[^\]]*\]|[^/?#:]*)/i.exec(question.url)?.[0].slice("http://".length);
  // Threads answer from what they know; this is what they would ask for first.
  if (host !== undefined && host !== "" && !isIpLiteral(host)) {
    await sidecar.discovery.resolve(host);
  }
  return await sidecar.insight.questions.ask(question);
}

/**
 * Looks for what is wrong with a sidecar and around it. The doctor is loaded when it is called for the first time.
 *
 * Errors: when not even the means to look can be had.
 */
export function examiner(sidecar: Sidecar): () => Promise<DoctorReport> {
  let doctor: Doctor | undefined;
  return async () => {
    const { Doctor } = await import("../doctor/inside.ts");
    return await (doctor ??= new Doctor(sidecar)).examine();
  };
}
