/** Answers that ask for another try: when Retry-After wants it, and with the whole body. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { ask } from "../support/ask.ts";
import { onBothNetsAtOnce, startPlane } from "../support/plane.ts";
import { pause } from "../support/process.ts";
import { answer, head, RawUpstream } from "../support/raw.ts";
import { longMs, soonMs, staleMs, timed } from "../support/time_bounds.ts";

const told: readonly {
  readonly title: string;
  /** The field as of now, and when it asks for another try at the earliest; since 1970. */
  readonly value: () => { readonly field: string; readonly dueMs: number };
  readonly status: number;
}[] = [
  { title: "in seconds", value: () => ({ field: "1", dueMs: Date.now() + 1000 }), status: 200 },
  {
    title: "as a date",
    value: () => {
      // It has whole seconds.
      const dueMs = Math.floor(Date.now() / 1000 + 1.5) * 1000;
      return { field: new Date(dueMs).toUTCString(), dueMs };
    },
    status: 200,
  },
  {
    title: "longer than there is time",
    value: () => ({ field: "4", dueMs: Infinity }),
    status: 503,
  },
];

for (const { status, title, value } of told) {
  onBothNetsAtOnce(`retry after, ${title}`, async (net) => {
    await using one = await RawUpstream.listen();
    await using two = await RawUpstream.listen();
    const tries: { readonly at: RawUpstream; readonly wallMs: number }[] = [];
    let dueMs = 0;
    for (const at of [one, two]) {
      at.answer(() => {
        tries.push({ at, wallMs: Date.now() });
        if (tries.length > 1) return answer("ok");
        const asked = value();
        dueMs = asked.dueMs;
        return answer("no", "503 Service Unavailable", `Retry-After: ${asked.field}`);
      });
    }
    await using plane = await startPlane({
      net,
      services: { Svc: [one.port, two.port] },
      policy: {
        calls: { responseMs: status === 200 ? longMs : 3000 },
        retry: { statuses: [503], maxAttempts: 2 },
      },
    });
    const [asked, ms] = await timed(ask(plane, "Svc"));
    assertEquals(asked.status, status);
    assert(ms < soonMs, `${ms}`);
    if (status === 200) {
      const [first, second] = tries;
      assert(second!.wallMs >= dueMs - staleMs, `it came ${dueMs - second!.wallMs} ms early`);
      assert(tries.length === 2 && first!.at !== second!.at);
    } else {
      // An answer that is passed on says what the instance said.
      assertMatch(asked.head, /^Retry-After: 4\r$/m);
      assertEquals(tries.length, 1);
    }
    await plane.quiet();
  });
}

onBothNetsAtOnce(
  "retry on status, a body that is still on its way is not cut in two",
  async (net) => {
    await using hasty = await RawUpstream.listen();
    await using calm = await RawUpstream.listen();
    let refusals = 0;
    hasty.serve(async (peer) => {
      await peer.head();
      refusals++;
      // It answers before the body has come.
      peer.send(answer("no", "503 Service Unavailable"));
    });
    const bodies: string[] = [];
    calm.answer(({ body }) => (bodies.push(body), answer("ok")));
    await using plane = await startPlane({
      net,
      services: { Svc: [hasty.port, calm.port] },
      policy: { retry: { statuses: [503] } },
    });
    const statuses: number[] = [];
    for (let index = 0; index < 6; index++) {
      const client = await plane.client();
      client.send(head("PUT / HTTP/1.1", "Host: Svc", "Content-Length: 30") + "0123456789");
      await plane.until(() => refusals + bodies.length > 0 || plane.open > 0, "the request");
      // Whatever meets whatever first, no part of the body may get lost; nothing hangs on these times.
      await pause(20);
      client.send("0123456789");
      await pause(20);
      client.send("0123456789");
      const { head: answered } = await client.message();
      statuses.push(Number(answered.slice(9, 12)));
      client.close();
    }
    for (const body of bodies) assertEquals(body, "012345678901234567890123456789");
    assert(statuses.every((each) => each === 200 || each === 503), `${statuses}`);
    assert(refusals >= 1);
    await plane.quiet();
  },
);
