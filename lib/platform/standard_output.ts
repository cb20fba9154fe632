/** Standard output as a place for lines. */
import type { LineSink } from "./line_queue.ts";

export const standardOutput: LineSink = { write: (bytes) => Deno.stdout.write(bytes) };
