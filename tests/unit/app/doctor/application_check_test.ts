/** The doctor's looks at the application: port, checks, keep-alive. */
import { assertEquals, assertMatch } from "@test/assert";
import {
  type ApplicationFacts,
  judgeApplication,
  judgeKeepAlive,
} from "../../../../lib/app/doctor/application_check.ts";
import type { HealthSnapshot } from "../../../../lib/control/health/poller.ts";
import type { KeepAliveFound } from "../../../../lib/platform/keep_alive_probe.ts";

function health(verdict: "up" | "down" | "unknown", lastOk?: boolean): HealthSnapshot {
  const check = { check: "http 127.0.0.1:80/", verdict, lastOk, reason: "status 500", streak: 1 };
  return { verdict, sinceMs: 0, checkedAtMs: 0, checks: [check] };
}

type Cases = Partial<ApplicationFacts> & Omit<ApplicationFacts, "service">;

const port = { protocol: "rest", port: 8080, open: true };

for (
  const [name, facts, level, words] of [
    ["a consumer", { service: undefined, ports: [], health: undefined }, "skipped", /consumer/],
    ["it runs", { ports: [port], health: health("up", true) }, "ok", /on 8080, its checks pass$/],
    ["without a sidecar", { ports: [port], health: undefined }, "ok", /^it listens on 8080$/],
    [
      "its port is closed",
      { ports: [{ ...port, open: false }], health: health("down", false) },
      "problem",
      /nothing listens on 127\.0\.0\.1:8080 \(rest:8080 of MESHER_PORTS\)/,
    ],
    [
      "its check fails",
      { ports: [port], health: health("down", false) },
      "problem",
      /is down: http 127\.0\.0\.1:80\/: status 500/,
    ],
    [
      "its check failed once",
      { ports: [port], health: { ...health("up", false), verdict: "unknown" } },
      "warning",
      /fails now and then/,
    ],
  ] satisfies readonly (readonly [string, Cases, string, RegExp])[]
) {
  Deno.test(`doctor, application: ${name}`, () => {
    const found = judgeApplication({ service: "Cart", ...facts });
    assertEquals(found.map((one) => one.level), [level]);
    assertMatch(found[0]!.says, words);
  });
}

for (
  const [kept, level, words] of [
    [undefined, "skipped", /MESHER_CHECK=http:\/PATH/],
    [{ kind: "failed", why: "refused" }, "skipped", /refused/],
    [{ kind: "never" }, "note", /after each answer/],
    [{ kind: "kept", idleMs: 3200 }, "ok", /at least 3200ms, the pool 3s/],
    [{ kind: "said", idleMs: 75_000 }, "ok", /keeps idle connections 75s, the pool 3s/],
    [{ kind: "said", idleMs: 2000 }, "warning", /closes idle connections after 2s, but the pool/],
    [{ kind: "closed", idleMs: 1013 }, "warning", /after 1s, but the pool keeps them 3s/],
  ] satisfies readonly (readonly [KeepAliveFound | undefined, string, RegExp])[]
) {
  Deno.test(`doctor, keep-alive: ${JSON.stringify(kept) ?? "not asked"}`, () => {
    const found = judgeKeepAlive(kept, { poolIdleMs: 3000 });
    assertEquals(found.level, level);
    assertMatch(found.says, words);
  });
}
