/** Explanations where rates are limited: what is used up at the moment, without anything being taken. */
import { assertEquals, assertMatch } from "@test/assert";
import type { RateLimit } from "../../lib/core/traffic.ts";
import { ask, problemOf } from "../support/ask.ts";
import { Instance } from "../support/instance.ts";
import { explained, stepOf } from "../support/observe.ts";
import { onBothNets, startPlane } from "../support/plane.ts";

/** Hardly anything comes back while a test runs. */
const rare: RateLimit = { name: "rare", perSecond: 0.001, burst: 2 };
const forUsers: RateLimit = {
  ...rare,
  name: "users",
  burst: 1,
  per: { kind: "header", name: "x-user" },
  match: { path: { prefix: "/users" } },
};

onBothNets("explain, rate limits: room or not, the same as a request would find", async (net) => {
  await using app = await Instance.start("ok");
  await using plane = await startPlane({
    net,
    services: { Svc: [app.port] },
    policy: { services: { Svc: { rateLimits: [rare] } } },
  });
  for (let request = 0; request < 2; request++) {
    for (let look = 0; look < 3; look++) {
      const found = await explained(plane, "http://Svc/");
      assertEquals([stepOf(found, "limits"), found.failure], ['"rare" has room', undefined]);
    }
    assertEquals((await ask(plane, "Svc")).status, 200);
  }
  const used = await explained(plane, "http://Svc/");
  assertMatch(stepOf(used, "limits"), /^"rare" is used up: room for one in \d+ ms$/);
  assertEquals([used.failure?.code, used.pick], ["rate_limited", undefined]);
  const refused = await ask(plane, "Svc");
  assertEquals(refused.status, 429);
  const { detail } = problemOf(refused);
  assertEquals(
    `${used.failure!.detail[0]!.toUpperCase()}${used.failure!.detail.slice(1)}.`,
    detail,
  );
  assertEquals(app.count, 2);
});

onBothNets(
  "explain, rate limits: of a rule, by key, and those that are for others",
  async (net) => {
    await using app = await Instance.start("ok");
    await using plane = await startPlane({
      net,
      services: { Svc: [app.port] },
      policy: {
        services: {
          Svc: {
            rateLimits: [forUsers],
            routes: [
              {
                name: "slow",
                match: { path: { prefix: "/slow" } },
                targets: [],
                rateLimits: [rare],
              },
            ],
          },
        },
      },
    });
    const as = (user: string) => ({ headers: [["x-user", user]] as const });
    const other = await explained(plane, "http://Svc/other", as("ann"));
    assertEquals([stepOf(other, "limits"), other.failure], ['"users" is not for it', undefined]);
    await ask(plane, "Svc", { path: "/users/1", fields: ["x-user: ann"] });
    const ann = await explained(plane, "http://Svc/users/1", as("ann"));
    const bob = await explained(plane, "http://Svc/users/1", as("bob"));
    assertEquals([ann.failure?.code, bob.failure], ["rate_limited", undefined]);
    for (let index = 0; index < 2; index++) await ask(plane, "Svc", { path: "/slow" });
    const slow = await explained(plane, "http://Svc/slow");
    assertEquals([slow.route, slow.failure?.code], ["slow", "rate_limited"]);
    assertMatch(stepOf(slow, "limits"), /"users" is not for it; "rare" is used up/);
    assertEquals((await ask(plane, "Svc", { path: "/slow" })).status, 429);
  },
);
