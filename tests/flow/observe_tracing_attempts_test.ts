/** Traces of calls that take several attempts: each goes out with a span of its own. */
import { assert, assertEquals } from "@test/assert";
import type { RequestRecord } from "../../lib/plane/observe.ts";
import { ask } from "../support/ask.ts";
import { Instances } from "../support/instance.ts";
import { records, recordsOf, watch } from "../support/observe.ts";
import { onBothNets, startPlane } from "../support/plane.ts";
import { toldBy } from "../support/tracing.ts";

const tracing = { share: 1, perSecond: 0, write: ["w3c"] } as const;

onBothNets("tracing, each attempt goes out with a span of its own", async (net) => {
  await using apps = await Instances.start("busy", "well");
  apps.all[0]!.status = "503 Busy";
  await using plane = await startPlane({
    net,
    services: { Svc: apps.ports },
    policy: { retry: { statuses: [503] } },
  });
  await watch(plane, {
    logShare: 0,
    taps: [],
    tracing: { ...tracing, write: ["w3c", "b3", "b3multi"] },
  });
  while (apps.all[0]!.count === 0) {
    assertEquals((await ask(plane, "Svc", { method: "PUT", body: "x".repeat(9000) })).status, 200);
  }
  await plane.until(
    () => recordsOf(plane).some(({ attempts }) => attempts.length > 1),
    "the record of a retry",
  );
  const record = recordsOf(plane).find(({ attempts }) => attempts.length > 1)!;
  const sent = apps.all.map(({ arrivals }) => toldBy(arrivals.at(-1)!.head));
  for (const [attempt, told] of sent.entries()) {
    assertEquals(told.map(({ format }) => format), ["w3c", "b3", "b3multi"]);
    for (const each of told) {
      assertEquals([each.traceId, each.spanId], [
        record.trace!.traceId,
        record.attempts[attempt]!.spanId,
      ]);
      if (each.format !== "w3c") assertEquals(each.parentId, record.trace!.spanId);
    }
  }
  assert(record.attempts[0]!.spanId !== record.attempts[1]!.spanId);
  assertEquals(apps.all.map(({ arrivals }) => arrivals.at(-1)!.body.length), [9000, 9000]);
});

onBothNets("tracing, a hedged call's two attempts have spans of their own", async (net) => {
  await using apps = await Instances.start("slow", "quick");
  await using plane = await startPlane({
    net,
    services: { Svc: apps.ports },
    policy: { retry: { hedge: true } },
  });
  for (let index = 0; index < 140; index++) await ask(plane, "Svc");
  await watch(plane, { logShare: 0, taps: [], tracing });
  // Until the end of the test it answers nobody.
  const release = Promise.withResolvers<void>();
  apps.all[0]!.held = release.promise;
  const first = `127.0.0.1:${apps.ports[0]}`;
  let count = 0;
  let hedged: RequestRecord | undefined;
  while (hedged === undefined) {
    assert(count < 20, "no call to the one that hangs was hedged");
    assertEquals((await ask(plane, "Svc")).status, 200);
    // A stall may have another call hedged, too; what counts is the one that hangs.
    hedged = (await records(plane, ++count)).findLast(({ attempts }) =>
      attempts.length > 1 && attempts[0]!.endpoint === first
    );
  }
  const { attempts } = hedged;
  assertEquals(
    attempts.map((attempt) => attempt.spanId),
    apps.all.map(({ arrivals }) => toldBy(arrivals.at(-1)!.head)[0]!.spanId),
  );
  release.resolve();
  assert(attempts[0]!.spanId !== attempts[1]!.spanId);
});
