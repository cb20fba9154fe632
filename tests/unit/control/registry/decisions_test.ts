/** Every row of the decision table, once for each call it is about. */
import { assertEquals } from "@test/assert";
import {
  type CallKind,
  decide,
  type Decision,
  type Outcome,
} from "../../../../lib/control/registry/decisions.ts";

const all: readonly CallKind[] = [
  "existence",
  "create_service",
  "own_service",
  "properties",
  "schemas",
  "cluster",
  "register",
  "own_instance",
  "heartbeat",
  "status",
  "deregister",
  "find",
  "batch_find",
  "names",
  "readiness",
  "token",
  "watch",
];
const except = (...some: readonly CallKind[]) => all.filter((one) => !some.includes(one));
const optional = ["batch_find", "readiness", "token", "watch", "schemas", "cluster"] as const;
const answer = (status: number, errorCode?: string): Outcome => ({
  kind: "answer",
  status,
  ...(errorCode === undefined ? {} : { errorCode }),
});

const rows: readonly (readonly [
  what: string,
  calls: readonly CallKind[],
  outcome: Outcome,
  decision: Decision,
])[] = [
  ["success", all, answer(200), "take"],
  ["an upgrade", ["watch"], answer(101), "take"],
  ["nothing new", all, answer(304), "keep"],
  ["an unknown service", ["existence"], answer(400, "400012"), "create_service"],
  ["an unknown version", ["existence"], answer(400, "400026"), "create_service"],
  ["no valid token", except("token"), answer(401, "401205"), "renew_token"],
  ["no valid token, said in plain text", except("token"), answer(401), "renew_token"],
  ["wrong account", ["token"], answer(401, "401202"), "hold"],
  ["a blocked account", ["token"], answer(403, "403201"), "hold"],
  ["no permission", except("token"), answer(403, "403205"), "hold"],
  ["a lost lease", ["heartbeat", "status"], answer(400, "400017"), "register_again"],
  [
    "a lost service",
    ["heartbeat", "status", "register", "own_service", "properties", "schemas"],
    answer(400, "400012"),
    "recreate_service",
  ],
  ["an own instance that is not there", ["own_instance"], answer(400, "400017"), "take"],
  ["an own instance whose service is not there", ["own_instance"], answer(400, "400012"), "take"],
  ["an end that has come already", ["deregister"], answer(400, "400017"), "take"],
  ["an end with its service gone", ["deregister"], answer(400, "400012"), "take"],
  [
    "an unknown provider or caller",
    ["find", "batch_find"],
    answer(400, "400012"),
    "check_own_service",
  ],
  ["a refused parameter", except("batch_find"), answer(400, "400001"), "refuse"],
  ["one refused name of many", ["batch_find"], answer(400, "400001"), "ask_singly"],
  ["no room", all, answer(400, "400100"), "hold"],
  ["a conflict of ids", ["create_service"], answer(400, "400010"), "refuse"],
  ["no answer in time, or no connection", all, { kind: "silence" }, "other_address"],
  ["too many calls", all, answer(429), "other_address"],
  ["a failure of the registry", all, answer(500, "500003"), "other_address"],
  ["a backend that is away", all, answer(500, "500011"), "other_address"],
  ["a gateway without its registry", all, answer(503), "other_address"],
  [
    "a page that is not there, of an optional call",
    optional,
    answer(404),
    "feature_absent",
  ],
  ["a verb that is not there", ["batch_find"], answer(405), "feature_absent"],
  [
    "a page that is not there, of a call that every registry has",
    except(...optional),
    answer(404),
    "other_address",
  ],
  ["a redirect", all, answer(302), "other_address"],
  ["an upgrade refused in plain text", ["watch"], answer(400), "refuse"],
  ["a closed watch", ["watch"], { kind: "watch_closed" }, "reconnect"],
  ["a watch without a sign of life", ["watch"], { kind: "watch_silent" }, "reconnect"],
  ["an own service created anew", ["watch"], { kind: "own_service_anew" }, "reconnect"],
];

for (const [what, calls, outcome, decision] of rows) {
  Deno.test(`decision table, ${what} (${JSON.stringify(outcome)}) means ${decision}`, () => {
    for (const call of calls) assertEquals(decide(call, outcome), decision, call);
  });
}
