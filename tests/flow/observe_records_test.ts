/** Records of requests: what whoever watches learns of each, and that nobody learns secrets. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import type { RequestRecord } from "../../lib/plane/observe.ts";
import { ask, deadPort } from "../support/ask.ts";
import { Instance, Instances } from "../support/instance.ts";
import { onlyRecord, records, watch } from "../support/observe.ts";
import { onBothNets, startPlane } from "../support/plane.ts";
import { answer, head, RawUpstream } from "../support/raw.ts";

/** Without what differs from run to run; times are checked for being plausible on the way. */
function settled(record: RequestRecord) {
  const { at, attempts, durationMs, firstByteMs, ownMs, ...rest } = record;
  const age = Date.now() - at;
  assert(age >= -1 && age < 60_000, `begun ${age} ms ago`);
  assert(durationMs >= 0 && durationMs < 60_000, `${durationMs}`);
  assert(ownMs >= 0 && ownMs <= durationMs + 1, `${ownMs} of ${durationMs}`);
  if (firstByteMs !== undefined) assert(firstByteMs >= 0 && firstByteMs <= durationMs);
  let lastMs = 0;
  for (const { startMs, endMs, firstByteMs } of attempts) {
    assert(startMs >= lastMs && endMs >= startMs && endMs <= durationMs, JSON.stringify(attempts));
    if (firstByteMs !== undefined) assert(firstByteMs >= startMs && firstByteMs <= endMs);
    lastMs = endMs;
  }
  return {
    ...rest,
    answered: firstByteMs !== undefined,
    attempts: attempts.map(({ endpoint, status, code }) => [endpoint, status ?? code]),
  };
}

onBothNets("record, a call that went well", async (net) => {
  await using app = await Instance.start("hello");
  await using plane = await startPlane({
    net,
    services: { Svc: [app.port] },
    policy: { service: "web" },
  });
  await watch(plane);
  const asked = await ask(plane, "Svc:8080", { method: "POST", path: "/a/b?q=1", body: "order" });
  assertEquals(asked.status, 200);
  assertEquals(settled(await onlyRecord(plane)), {
    role: "outbound",
    method: "POST",
    path: "/a/b",
    authority: "Svc:8080",
    service: "Svc",
    caller: "web",
    client: "127.0.0.1",
    status: 200,
    requestBytes: 5,
    responseBytes: 5,
    answered: true,
    attempts: [[`127.0.0.1:${app.port}`, 200]],
    logged: false,
    taps: [1],
  });
});

onBothNets("record, a call that needed another endpoint has both attempts", async (net) => {
  await using app = await Instance.start("ok");
  const dead = deadPort();
  await using plane = await startPlane({ net, services: { Svc: [dead, app.port] } });
  await watch(plane);
  for (let index = 0; index < 2; index++) await ask(plane, "Svc");
  const both = (await records(plane, 2)).map(settled);
  const retried = both.find(({ attempts }) => attempts.length > 1)!;
  assertEquals(both.filter(({ attempts }) => attempts.length > 1).length, 1);
  assertEquals(retried.attempts, [
    [`127.0.0.1:${dead}`, "connect_refused"],
    [`127.0.0.1:${app.port}`, 200],
  ]);
  assertEquals([retried.status, retried.code, retried.detail], [200, undefined, undefined]);
});

onBothNets("record, an answer that was tried elsewhere has its own status", async (net) => {
  await using apps = await Instances.start("bad", "good");
  apps.all[0]!.status = "503 Busy";
  await using plane = await startPlane({
    net,
    services: { Svc: apps.ports },
    policy: { retry: { statuses: [503] } },
  });
  await watch(plane);
  for (let index = 0; index < 2; index++) assertEquals((await ask(plane, "Svc")).status, 200);
  const retried = (await records(plane, 2)).map(settled).find((each) => each.attempts.length > 1)!;
  assertEquals(retried.attempts.map(([, status]) => status), [503, 200]);
});

onBothNets("record, a request that is sent once more has both attempts", async (net) => {
  await using upstream = await RawUpstream.listen();
  await using plane = await startPlane({ net, services: { Svc: [upstream.port] } });
  await watch(plane);
  const first = ask(plane, "Svc");
  const peer = await upstream.accept();
  await peer.head();
  peer.send(answer("1"));
  await first;
  await plane.quiet({ idle: 1 });
  const second = ask(plane, "Svc", { path: "/second" });
  await peer.head();
  peer.reset();
  const again = await upstream.accept();
  await again.head();
  again.send(answer("2"));
  assertEquals((await second).body, "2");
  const record = settled((await records(plane, 2))[1]!);
  assertEquals(record.attempts.map(([, outcome]) => outcome), ["reset", 200]);
});

onBothNets("record, a hedged call has both attempts, the sooner one's answer", async (net) => {
  await using apps = await Instances.start("one", "two");
  await using plane = await startPlane({
    net,
    services: { Svc: apps.ports },
    policy: { retry: { hedge: true } },
  });
  // Enough answers to know what takes long.
  for (let index = 0; index < 140; index++) await ask(plane, "Svc");
  await watch(plane);
  // Until the end of the test it answers nobody.
  const release = Promise.withResolvers<void>();
  apps.all[0]!.held = release.promise;
  const hangs = ({ attempts }: RequestRecord) =>
    attempts.length > 1 && attempts[0]!.endpoint === `127.0.0.1:${apps.ports[0]}`;
  let count = 0;
  let hedged: RequestRecord | undefined;
  while (hedged === undefined) {
    assert(count < 20, "no call to the one that hangs was hedged");
    assertEquals((await ask(plane, "Svc")).status, 200);
    hedged = (await records(plane, ++count)).find(hangs);
  }
  const [slow, quick] = hedged.attempts;
  assertEquals(
    [slow!.endpoint, slow!.status, quick!.endpoint, quick!.status],
    [`127.0.0.1:${apps.ports[0]}`, undefined, `127.0.0.1:${apps.ports[1]}`, 200],
  );
  assert(quick!.startMs >= slow!.startMs && slow!.endMs <= hedged.durationMs);
  release.resolve();
});

onBothNets("record, a name that nobody knows", async (net) => {
  await using plane = await startPlane({ net });
  await watch(plane);
  assertEquals((await ask(plane, "Nobody", { path: "/x?secret=1" })).status, 503);
  const record = settled(await onlyRecord(plane));
  assertEquals(
    [record.status, record.code, record.service, record.authority, record.path, record.attempts],
    [503, "service_unknown", "", "Nobody", "/x", []],
  );
  assertMatch(record.detail!, /no service Nobody/);
  assertEquals(record.answered, false);
});

onBothNets("record, a client that leaves before its answer", async (net) => {
  await using app = await Instance.start("late");
  const release = Promise.withResolvers<void>();
  app.held = release.promise;
  await using plane = await startPlane({ net, services: { Svc: [app.port] } });
  await watch(plane);
  const client = await plane.client();
  client.send(head("GET /wait HTTP/1.1", "Host: Svc"));
  await plane.until(() => app.count === 1, "the request");
  client.close();
  const record = settled(await onlyRecord(plane));
  assertEquals([record.status, record.code], [499, "client_gone"]);
  assertEquals(record.attempts, [[`127.0.0.1:${app.port}`, "client_gone"]]);
  release.resolve();
  await plane.quiet();
});

onBothNets("record, an answer that is cut has the bytes that came and the failure", async (net) => {
  await using upstream = await RawUpstream.listen();
  upstream.serve(async (peer) => {
    await peer.head();
    peer.send(head("HTTP/1.1 200 OK", "Content-Length: 10") + "half1");
    peer.endWrite();
  });
  await using plane = await startPlane({ net, services: { Svc: [upstream.port] } });
  await watch(plane);
  const client = await plane.client();
  client.send(head("GET / HTTP/1.1", "Host: Svc"));
  await client.closed();
  const record = settled(await onlyRecord(plane));
  assertEquals([record.code, record.responseBytes, record.answered], ["reset", 5, true]);
  await plane.quiet();
});

onBothNets("record, a call from others names its caller", async (net) => {
  await using app = await Instance.start("hello");
  await using inbound = await startPlane({
    net,
    roles: ["inbound"],
    policy: { service: "Svc", localPorts: [{ protocol: "rest", port: app.port }] },
  });
  await using outbound = await startPlane({
    net,
    services: { Svc: [{ port: inbound.port("inbound"), mesher: true }] },
    policy: { service: "web" },
  });
  await watch(inbound);
  assertEquals((await ask(outbound, "Svc", { path: "/a?b" })).status, 200);
  const { client, ...record } = settled(await onlyRecord(inbound));
  assertEquals(client, "127.0.0.1");
  assertEquals(record, {
    role: "inbound",
    method: "GET",
    path: "/a",
    authority: "Svc",
    service: "Svc",
    caller: "web",
    status: 200,
    requestBytes: 0,
    responseBytes: 5,
    answered: true,
    attempts: [[`127.0.0.1:${app.port}`, 200]],
    logged: false,
    taps: [1],
  });
});
