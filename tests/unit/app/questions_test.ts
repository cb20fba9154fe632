/** Questions to data threads that are played by the test. */
import { assert, assertEquals, rejection } from "@test/assert";
import { Questions, together } from "../../../lib/app/questions.ts";
import type { ExplainQuestion, Explanation } from "../../../lib/plane/observe.ts";

const question = { method: "GET", url: "http://Cart/", headers: [] };

function explanation(over: Partial<Explanation> = {}): Explanation {
  return { steps: [], candidates: [], ...over };
}

function candidate(endpoint: string, excluded?: string) {
  return {
    endpoint,
    instanceId: "i",
    state: excluded === undefined ? "healthy" : "ejected",
    ...(excluded === undefined ? {} : { excluded }),
  };
}

Deno.test("questions, every thread is asked and all answers are waited for", async () => {
  const asked: ExplainQuestion[] = [];
  const questions = new Questions({ post: (one) => asked.push(one), threads: () => 2 });
  const answer = questions.ask(question);
  const { id } = asked[0]!;
  questions.answered({ id, explanation: explanation({ pick: "a" }) }, 1);
  questions.answered({ id, explanation: explanation({ pick: "ignored" }) }, 1);
  questions.answered({ id: id + 1, explanation: explanation() }, 0);
  questions.answered({ id, explanation: explanation({ pick: "b" }) }, 0);
  assertEquals((await answer).pick, "b");
});

Deno.test("questions, a thread that does not answer in time is left out", async () => {
  const asked: ExplainQuestion[] = [];
  const questions = new Questions({
    post: (one) => asked.push(one),
    threads: () => 2,
    timeoutMs: 1,
  });
  const answer = questions.ask(question);
  questions.answered({ id: asked[0]!.id, explanation: explanation({ pick: "a" }) }, 0);
  assertEquals((await answer).pick, "a");
});

Deno.test("questions, no answer at all is an error that says so", async () => {
  const questions = new Questions({ post: () => {}, threads: () => 1, timeoutMs: 1 });
  const error = await rejection(questions.ask(question));
  assert(error instanceof Error && /no data thread answered/.test(error.message));
});

Deno.test("explanations, an endpoint that only some threads exclude can be called", () => {
  const one = explanation({ candidates: [candidate("a", "5 failures in a row"), candidate("b")] });
  const two = explanation({ candidates: [candidate("b"), candidate("a")] });
  assertEquals(together([one, two]).candidates, [
    {
      endpoint: "a",
      instanceId: "i",
      state: "ejected in 1 of 2 threads: 5 failures in a row",
    },
    candidate("b"),
  ]);
});

Deno.test("explanations, one that all threads exclude stays excluded", () => {
  const same = explanation({ candidates: [candidate("a", "unreachable")] });
  assertEquals(together([same, same]).candidates, [candidate("a", "unreachable")]);
});

Deno.test("explanations, of a success and a failure the success is told", () => {
  const bad = explanation({ failure: { code: "no_endpoint", detail: "none" } });
  const good = explanation({ pick: "a" });
  assertEquals(together([bad, good]).pick, "a");
  assertEquals(together([bad, bad]).failure?.code, "no_endpoint");
});
