/** Passes of the event loop for portable sockets: told one by one, after what was ready, and without a trace. */
import { assert } from "@test/assert";
import { Passes } from "../../lib/data/net/portable/passes.ts";
import { within } from "../support/raw.ts";

function pass(passes: Passes): Promise<void> {
  return within(new Promise<void>((resolve) => passes.after(resolve)), "the end of a pass");
}

Deno.test("passes, each is told once, from the first one on", async () => {
  const passes = new Passes();
  for (let count = 0; count < 200; count++) await pass(passes);
  passes.close();
});

Deno.test("passes, bytes that had arrived before have been read by then", async () => {
  const passes = new Passes();
  // The first ones come before the pair stands.
  for (let count = 0; count < 50; count++) await pass(passes);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using out = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  using back = await listener.accept();
  let late = 0;
  for (let round = 0; round < 50; round++) {
    let read = false;
    const reading = back.read(new Uint8Array(1)).then(() => read = true);
    await out.write(new Uint8Array(1));
    // The byte may arrive within the pass that has begun already, but not later than in the one after it.
    await pass(passes);
    await pass(passes);
    if (!read) late++;
    await reading;
  }
  // A kernel that is busy may deliver a byte later now and then, though never as a rule.
  assert(late <= 5, `${late} of 50 came later`);
  passes.close();
});

Deno.test("passes, closing leaves nothing open and ends what was asked for", async () => {
  for (const before of [0, 1, 50]) {
    const passes = new Passes();
    for (let count = 0; count < before; count++) await pass(passes);
    let told = 0;
    passes.after(() => told++);
    passes.close();
    passes.close();
    // A timer that was set already still comes; nothing else may.
    await new Promise((resolve) => setTimeout(resolve, 0));
    assert(told <= 1, `told ${told} times`);
  }
});
