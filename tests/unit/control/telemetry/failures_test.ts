/** The ring of the latest failures. */
import { assert, assertEquals } from "@test/assert";
import { FailureRing } from "../../../../lib/control/telemetry/failures.ts";
import { failureTable } from "../../../../lib/core/errors.ts";
import type { FailureReport } from "../../../../lib/plane/messages.ts";

function report(over: Partial<FailureReport> = {}): FailureReport {
  return {
    at: 1_700_000_000_000,
    role: "outbound",
    code: "connect_refused",
    status: 502,
    method: "GET",
    target: "http://Cart/",
    service: "Cart",
    endpoint: "10.0.0.1:80",
    attempts: 1,
    detail: "10.0.0.1:80 refused the connection",
    ...over,
  };
}

Deno.test("failures, each comes with the words of its code", () => {
  const ring = new FailureRing();
  ring.add({ failures: [report()], dropped: 0 });
  const [failure] = ring.latest();
  assertEquals(failure!.title, failureTable.connect_refused.title);
  assertEquals(failure!.check, failureTable.connect_refused.check);
  assertEquals(failure!.fault, "upstream");
  assertEquals(failure!.sequence, 1);
});

Deno.test("failures, the newest 200 stay, newest first, and the count goes on", () => {
  const ring = new FailureRing();
  for (let number = 1; number <= 450; number++) {
    ring.add({ failures: [report({ attempts: number })], dropped: number % 100 === 0 ? 2 : 0 });
  }
  const latest = ring.latest();
  assertEquals([latest.length, latest[0]!.attempts, latest[199]!.attempts], [200, 450, 251]);
  assertEquals([ring.sequence, ring.dropped], [450, 8]);
});

for (
  const [query, expected] of [
    [{ service: "Cart" }, [4, 3, 1]],
    [{ code: "reset" }, [3, 2]],
    [{ service: "Cart", code: "reset" }, [3]],
    [{ after: 2 }, [4, 3]],
    [{ limit: 1 }, [4]],
    [{ service: "Nobody" }, []],
  ] as const
) {
  Deno.test(`failures, a query for ${JSON.stringify(query)} gives those`, () => {
    const ring = new FailureRing();
    ring.add({
      failures: [
        report(),
        report({ service: "Bill", code: "reset" }),
        report({ code: "reset" }),
        report(),
      ],
      dropped: 0,
    });
    assertEquals(ring.latest(query).map((one) => one.sequence), expected);
  });
}

Deno.test("failures, texts from outside are kept only so far", () => {
  const ring = new FailureRing();
  ring.add({ failures: [report({ target: `http://Cart/${"x".repeat(60_000)}` })], dropped: 0 });
  assert(ring.latest()[0]!.target.length < 600);
});
