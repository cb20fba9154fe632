/** What a sidecar finds when it examines itself and its surroundings. */
import * as z from "zod";
import type { Shape } from "./shape.ts";

/**
 * problem: calls fail or will fail. warning: something is wrong that calls survive. note: worth knowing, nothing is
 * wrong. skipped: it could not be looked at.
 */
const doctorLevels = ["problem", "warning", "note", "ok", "skipped"] as const;

const diagnosis = z.object({
  check: z.string().describe("What was looked at; stable, for programs."),
  level: z.enum(doctorLevels),
  says: z.string().describe("What was found, in one sentence."),
  fix: z.string().optional().describe("What to do about it."),
});
export type Diagnosis = Shape<typeof diagnosis>;

export const doctorReport = z.object({
  tookMs: z.number(),
  diagnoses: z.array(diagnosis).describe("In the order in which they were looked at."),
});
export type DoctorReport = Shape<typeof doctorReport>;
