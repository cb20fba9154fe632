/** Ten seconds of the soak, five on each kind of sockets: no call ends as it must not, and nothing is left open. */
import { assert } from "@test/assert";
import { isClean, soak, soakReport } from "../../scripts/soak.ts";
import { nativeHere } from "../support/plane.ts";
import { processStory, say } from "../support/process_story.ts";

for (const net of ["native", "portable"] as const) {
  if (net === "native" && !nativeHere) continue;
  processStory(`soak, mixed traffic for five seconds leaves nothing open [${net}]`, async () => {
    const plan = { forMs: 5000, rate: 500, sampleMs: 500, net, threads: "1" } as const;
    const result = await soak(plan);
    say(`${result.tally.calls} calls, RSS at rest ${Math.round(result.restRssKib / 1024)} MiB`);
    assert(isClean(result), soakReport(plan, result));
    assert(result.tally.calls > 500, `only ${result.tally.calls} calls`);
    const [before, after] = result.descriptors;
    // Pipes for large bodies are kept, and the admin connection may be open.
    assert(after <= before + 18, `${after} descriptors after ${before}`);
    assert(result.samples.length > 3, `${result.samples.length} samples`);
  });
}
