/** Sets of thousands of endpoints in a real data thread: they come whole, change, and outlive the thread. */
import { assert, assertEquals } from "@test/assert";
import { ask } from "../support/ask.ts";
import { explained } from "../support/observe.ts";
import { type EndpointSpec, onBothNets, type Plane, startPlane } from "../support/plane.ts";
import { answer, RawUpstream } from "../support/raw.ts";

const module = new URL("../support/faulty_thread.ts", import.meta.url);
const size = 3000;

/** Endpoints that differ by instance and by an address that is never called; the first one is real. */
function endpoints(port: number, first = 0): EndpointSpec[] {
  return Array.from({ length: size }, (_, index) => ({
    host: index === 0 ? "127.0.0.1" : `127.1.${index >> 8}.${index & 255}`,
    port,
    instanceId: `instance-${first + index}`.padStart(32, "0"),
  }));
}

async function instanceIds(plane: Plane): Promise<readonly string[]> {
  const { candidates } = await explained(plane, "http://Svc/");
  return candidates.map((each) => each.instanceId);
}

onBothNets("large set, comes whole, changes, and outlives the thread that held it", async (net) => {
  await using upstream = await RawUpstream.listen();
  upstream.answer(() => answer("ok"));
  const ids = (specs: readonly EndpointSpec[]) =>
    specs.map((each) => typeof each === "number" ? "" : each.instanceId!);
  const specs = endpoints(upstream.port);
  const small = { Small: [upstream.port] };
  await using plane = await startPlane({ net, module, services: small });
  await plane.publish("Svc", specs);
  assertEquals(await instanceIds(plane), ids(specs));

  // One leaves, one comes, one is another instance now.
  const changed = [...specs.slice(0, 1500), ...specs.slice(1501), {
    ...specs[1] as object,
    host: "127.2.0.1",
    instanceId: "new",
  } as EndpointSpec];
  changed[7] = { ...changed[7] as object, instanceId: "other" } as EndpointSpec;
  await plane.publish("Svc", changed);
  assertEquals(await instanceIds(plane), ids(changed));

  plane.supervisor.post({ kind: "test_throw" } as never);
  await plane.until(() => plane.supervisor.replaced === 1, "a replacement");
  await plane.until(
    () => plane.received.filter((each) => each.kind === "started").length === 2,
    "the second thread's start",
  );
  // What was posted before this policy has come in when it is acknowledged.
  await plane.setPolicy({});
  assertEquals(await instanceIds(plane), ids(changed));
  assertEquals(plane.asked, []);
  await plane.publish("Svc", specs);
  assertEquals(await instanceIds(plane), ids(specs));
});

onBothNets("large set, a call to a service that is still on its way waits for it", async (net) => {
  await using upstream = await RawUpstream.listen();
  upstream.answer(() => answer("ok"));
  // The one that can be called gets nearly all calls.
  const specs = endpoints(upstream.port).map((each, index) => ({
    ...each as EndpointSpec & object,
    weight: index === 0 ? 1000 : 0.001,
  }));
  await using plane = await startPlane({ net, services: { Svc: specs } });
  const answers = await Promise.all([ask(plane, "Svc"), ask(plane, "Svc")]);
  assert(answers.every(({ body }) => body === "ok"));
  assertEquals(plane.asked, ["Svc"]);
});
