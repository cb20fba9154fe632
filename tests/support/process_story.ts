/** One test with real processes: a lab of its own, and what the processes said when it fails. */
import { Lab, processesHere } from "./process.ts";

/** Registers the test; it is skipped where processes cannot be handled. */
export function processStory(name: string, fn: (lab: Lab) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !processesHere,
    async fn() {
      await using lab = await Lab.open();
      try {
        await fn(lab);
      } catch (error) {
        console.error(await lab.report());
        throw error;
      }
    },
  });
}

/** A figure that was measured, indented under the name of its test. */
export function say(text: string): void {
  console.log(`      ${text}`);
}
