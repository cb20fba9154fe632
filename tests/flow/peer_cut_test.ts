/** An application dies on a request while its sidecar lives: the caller's sidecar may send it on only where that is safe. */
import { assertEquals } from "@test/assert";
import { ask, problemOf } from "../support/ask.ts";
import { onBothNets, startPlane } from "../support/plane.ts";
import { answer, RawUpstream } from "../support/raw.ts";

const cases = [
  { method: "GET", status: 200, seenByHealthy: 1 },
  { method: "PUT", status: 200, seenByHealthy: 1 },
  { method: "DELETE", status: 200, seenByHealthy: 1 },
  { method: "POST", status: 502, seenByHealthy: 0 },
  { method: "PATCH", status: 502, seenByHealthy: 0 },
] as const;

for (const { method, status, seenByHealthy } of cases) {
  const what = status === 200
    ? "goes on to another instance"
    : "is answered with 502 and sent once";
  onBothNets(`two sidecars, a ${method} on which the app dies ${what}`, async (net) => {
    await using dying = await RawUpstream.listen();
    let deaths = 0;
    dying.serve(async (peer) => {
      await peer.message();
      deaths++;
      peer.close();
    });
    await using healthy = await RawUpstream.listen();
    let served = 0;
    healthy.answer(() => (served++, answer("ok")));
    const inbound = (port: number) =>
      startPlane({ net, roles: ["inbound"], policy: { localPorts: [{ protocol: "rest", port }] } });
    await using first = await inbound(dying.port);
    await using second = await inbound(healthy.port);
    await using consumer = await startPlane({
      net,
      services: { Svc: [{ port: first.port("inbound"), mesher: true }] },
    });
    // The first request shows how it ends where there is nobody else.
    const alone = await ask(consumer, "Svc", { method: "POST", body: "x" });
    assertEquals([alone.status, problemOf(alone).code, deaths], [502, "reset", 1]);
    await consumer.publish("Svc", [
      { port: second.port("inbound"), mesher: true },
      { port: first.port("inbound"), mesher: true },
    ]);
    const answers = [];
    for (let index = 0; index < 2; index++) {
      answers.push(await ask(consumer, "Svc", { method, body: "x" }));
    }
    assertEquals(answers.map((each) => each.status).sort(), [200, status]);
    assertEquals(served, 1 + seenByHealthy);
    if (seenByHealthy === 0) assertEquals(deaths, 2);
    for (const each of answers) assertEquals(/x-mesher/i.test(each.head), false, each.head);
    await Promise.all([consumer.quiet(), first.quiet()]);
  });
}
