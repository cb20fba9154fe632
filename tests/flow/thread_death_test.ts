/** The death of a data thread: its connections end, another takes its place, and the listeners stay. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import type { ThreadMessage } from "../../lib/plane/messages.ts";
import { ask } from "../support/ask.ts";
import { onBothNets, startPlane } from "../support/plane.ts";
import { answer, head, RawUpstream } from "../support/raw.ts";

const module = new URL("../support/faulty_thread.ts", import.meta.url);

/** A message that the real thread does not know. */
function strange(kind: string): ThreadMessage {
  return { kind } as unknown as ThreadMessage;
}

for (const kind of ["test_throw", "test_reject"]) {
  onBothNets(`thread, killed by ${kind}: replaced on the same listener`, async (net) => {
    await using upstream = await RawUpstream.listen();
    await using plane = await startPlane({ net, module, services: { Svc: [upstream.port] } });
    const port = plane.port();
    const asking = ask(plane, "Svc");
    const first = await upstream.accept();
    await first.head();
    first.send(answer("ok"));
    await asking;
    const waiting = await plane.client();
    waiting.send(head("GET / HTTP/1.1", "Host: Svc"));
    await first.head();
    const before = plane.count("Svc", "requests");

    plane.supervisor.post(strange(kind));
    await plane.until(() => plane.supervisor.replaced === 1, "a replacement");
    // Nobody hangs: neither the client in the middle of a request nor the upstream.
    await Promise.all([waiting.closed(), first.closed()]);
    assertMatch(plane.errors.join(), /a data thread died and is replaced.*of the test/);
    await plane.until(
      () => plane.received.filter((each) => each.kind === "started").length === 2,
      "the second thread's start",
    );
    assertEquals(plane.port(), port);

    const again = ask(plane, "Svc");
    const second = await upstream.accept();
    await second.head();
    second.send(answer("again"));
    assertEquals((await again).body, "again");
    // Counters only grow, and what was open with the dead thread is open no more.
    assertEquals(plane.count("Svc", "requests"), before + 1);
    await plane.quiet({ idle: 1 });
  });
}

onBothNets("thread, a message that it does not know leaves it alone", async (net) => {
  await using upstream = await RawUpstream.listen();
  upstream.answer(() => answer("ok"));
  await using plane = await startPlane({ net, services: { Svc: [upstream.port] } });
  const kinds = ["test_throw", "", "constructor", "__proto__"];
  for (const kind of kinds) plane.supervisor.post(strange(kind));
  plane.supervisor.post({} as unknown as ThreadMessage);
  // What comes behind them is understood, so they have been looked at.
  await plane.setPolicy({});
  assertEquals((await ask(plane, "Svc")).body, "ok");
  assertEquals([plane.supervisor.replaced, plane.errors.length], [0, 0]);
  assert(plane.received.every((each) => each.kind !== "fatal"));
  await plane.quiet();
});
