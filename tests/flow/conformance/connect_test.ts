/** CONNECT: tunnels to hosts and instances, and plain HTTP that goes through one. */
import { byteStream, echoBothWays } from "../../support/byte_stream.ts";
import {
  arrived,
  type Case,
  checkProblem,
  conformance,
  expectBytes,
  ok,
  problem,
  type Scene,
} from "../../support/conformance.ts";
import { head, type RawPeer } from "../../support/raw.ts";

const established = "HTTP/1.1 200 Connection established\r\n\r\n";

/** Opens a tunnel to the upstream by its address and says the first word in it. */
async function tunnel(scene: Scene): Promise<RawPeer> {
  const { client, fill } = scene;
  client.send(fill(head("CONNECT 127.0.0.1:{p} HTTP/1.1", "Host: 127.0.0.1:{p}")));
  await expectBytes(scene, client, established);
  const upstream = await scene.accept();
  client.send("\x16first");
  await expectBytes(scene, upstream, "\x16first");
  return upstream;
}

/** A request inside a tunnel to a service, as the upstream gets it. */
const inside = arrived("GET /in HTTP/1.1");

/** The first bytes inside go out right behind the head, for they are waited for a short time only. */
async function connectService(scene: Scene, first: string, port = 80): Promise<void> {
  const { client, fill } = scene;
  client.send(fill(head(`CONNECT {s}:${port} HTTP/1.1`, `Host: {s}:${port}`) + first));
  await expectBytes(scene, client, established);
}

const connects: readonly Case[] = [
  ...byteStream("tunnel", tunnel),
  {
    title: "plain HTTP inside a CONNECT to a service is routed request by request",
    async play(scene) {
      const { client, fill } = scene;
      await connectService(scene, head("GET /in HTTP/1.1", "Host: {s}"));
      const upstream = await scene.accept();
      await expectBytes(
        scene,
        upstream,
        inside.replace("x-mesher", "X-Forwarded-Port: 80\r\nx-mesher"),
      );
      upstream.send(ok);
      await expectBytes(scene, client, ok);
      client.send(fill(head("POST /in HTTP/1.1", "Host: {s}", "Content-Length: 1") + "x"));
      await upstream.head();
      await expectBytes(scene, upstream, "x");
      upstream.send(ok);
      await expectBytes(scene, client, ok);
    },
  },
  {
    title: "what is inside a CONNECT goes where the CONNECT said, whatever Host says",
    async play(scene) {
      const { client } = scene;
      await connectService(scene, head("GET /in HTTP/1.1", "Host: elsewhere"), 81);
      const upstream = await scene.accept();
      await expectBytes(
        scene,
        upstream,
        head("GET /in HTTP/1.1", "Host: elsewhere", "X-Forwarded-Port: 81", "x-mesher-hops: 1"),
      );
      upstream.send(ok);
      await expectBytes(scene, client, ok);
    },
  },
  {
    title: "a malformed request inside a CONNECT is refused",
    client: "closed",
    async play(scene) {
      await connectService(scene, "GET /in HTTP/1.1\r\nHost : x\r\n\r\n");
      await checkProblem(scene.client, problem(400, "request_malformed", /colon/));
    },
  },
  {
    title: "bytes that are no HTTP inside a CONNECT to a service make a tunnel to one instance",
    client: "closed",
    upstream: "closed",
    async play(scene) {
      await connectService(scene, "\x16\x03\x01hello");
      const upstream = await scene.accept();
      await expectBytes(scene, upstream, "\x16\x03\x01hello");
      await echoBothWays(scene.client, upstream);
      upstream.close();
    },
  },
  {
    title: "the preface of HTTP/2 inside a CONNECT to a service makes a tunnel",
    client: "closed",
    upstream: "closed",
    async play(scene) {
      await connectService(scene, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
      const upstream = await scene.accept();
      await expectBytes(scene, upstream, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
      upstream.close();
    },
  },
  {
    title: "text that is no HTTP inside a CONNECT to a service makes a tunnel",
    client: "closed",
    upstream: "closed",
    async play(scene) {
      await connectService(scene, "EHLO mail.example\r\n");
      const upstream = await scene.accept();
      await expectBytes(scene, upstream, "EHLO mail.example\r\n");
      upstream.close();
    },
  },
  {
    title: "a server that speaks first is heard through a CONNECT to a service",
    client: "closed",
    upstream: "closed",
    async play(scene) {
      await connectService(scene, "");
      const upstream = await scene.accept();
      upstream.send("220 ready\r\n");
      await expectBytes(scene, scene.client, "220 ready\r\n");
      scene.client.send("QUIT\r\n");
      await expectBytes(scene, upstream, "QUIT\r\n");
      upstream.close();
    },
  },
  {
    title: "what a client sends right behind its CONNECT is not lost",
    client: "closed",
    upstream: "closed",
    async play(scene) {
      const { client, fill } = scene;
      client.send(fill(head("CONNECT 127.0.0.1:{p} HTTP/1.1", "Host: x")) + "eager");
      const upstream = await scene.accept();
      await expectBytes(scene, upstream, "eager");
      await expectBytes(scene, client, established);
      upstream.close();
    },
  },
  {
    title: "a client that leaves its CONNECT unused leaves nothing behind",
    client: "closed",
    async play(scene) {
      await connectService(scene, "");
      scene.client.endWrite();
    },
  },
  {
    title: "a CONNECT of HTTP/1.0 opens a tunnel",
    client: "closed",
    upstream: "closed",
    async play(scene) {
      const { client, fill } = scene;
      client.send(fill("CONNECT 127.0.0.1:{p} HTTP/1.0\r\n\r\n"));
      const upstream = await scene.accept();
      await expectBytes(scene, client, established);
      client.send("\x16x");
      await expectBytes(scene, upstream, "\x16x");
      upstream.close();
    },
  },
  {
    title: "a CONNECT to nobody is answered, and the connection lives on",
    send: head("CONNECT Nobody:80 HTTP/1.1", "Host: Nobody:80"),
    receives: problem(503, "service_unknown", /Nobody/),
  },
  {
    title: "a CONNECT to nobody of a client that wants to close is closed",
    send: head("CONNECT Nobody:80 HTTP/1.1", "Host: Nobody:80", "Connection: close"),
    receives: problem(503, "service_unknown", /Nobody/),
    client: "closed",
  },
  {
    title: "a CONNECT to an address that refuses is answered before anything is promised",
    async play(scene) {
      const { client } = scene;
      // A port that was just given up; nobody listens there now.
      const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const { port } = listener.addr;
      listener.close();
      client.send(head(`CONNECT 127.0.0.1:${port} HTTP/1.1`, "Host: x"));
      await checkProblem(client, problem(502, "connect_refused", /refused/));
    },
  },
  {
    title: "a CONNECT to the sidecar itself is a loop",
    async play({ client, plane }) {
      client.send(head(`CONNECT 127.0.0.1:${plane.port()} HTTP/1.1`, "Host: x"));
      await checkProblem(client, problem(508, "loop_detected", /itself/));
    },
  },
  {
    title: "a CONNECT out of the mesh is denied where egress is",
    policy: { egress: "deny" },
    send: head("CONNECT 127.0.0.1:{p} HTTP/1.1", "Host: x"),
    receives: problem(403, "request_denied", /egress/),
  },
];

conformance("CONNECT", connects);
