/** Whether calls can be served, and what stands in the way. */
import * as z from "zod";
import type { Shape } from "./shape.ts";

export const readiness = z.object({
  ready: z.boolean(),
  reasons: z.array(z.string()).describe("What stands in the way."),
  notes: z.array(z.string()).describe("Worth knowing, but no obstacle."),
});
export type Readiness = Shape<typeof readiness>;
