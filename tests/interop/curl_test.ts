/** What curl sees through two sidecars is what the program sent, byte for byte and line by line. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { type Lab, until } from "../support/process.ts";
import { type Pair, proxyVariables, startPair } from "../support/process_pair.ts";
import { startRegistry, startSidecar } from "../support/process_mesher.ts";
import { processStory } from "../support/process_story.ts";
import { answer, head, type RawPeer, RawUpstream } from "../support/raw.ts";
import { ServiceCenterCaller } from "../support/service_center_calls.ts";

const url = "http://AccountService";

/** A provider of raw bytes behind its sidecar. */
async function scene(lab: Lab): Promise<{ readonly app: RawUpstream; readonly pair: Pair }> {
  const app = await RawUpstream.listen();
  lab.defer(() => app.close());
  return { app, pair: await startPair(lab, app.port) };
}

/** Serves request after request of each connection. Health checks connect and leave without a word. */
function serve(app: RawUpstream, story: (peer: RawPeer, requestHead: string) => Promise<void>) {
  app.serve(async (peer) => {
    while (peer.end === undefined) await story(peer, await peer.head());
  });
}

async function curl(
  lab: Lab,
  pair: Pair,
  args: readonly string[],
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const { code, stdout, stderr } = await lab.run(["curl", "-sS", "--max-time", "15", ...args], {
    env: pair.env,
  });
  assertEquals(code, 0, stderr);
  return { stdout, stderr };
}

const framings: Readonly<Record<string, { start: string; line: (text: string) => string }>> = {
  "in chunks": {
    start: head("HTTP/1.1 200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked"),
    line: (text) => `${text.length.toString(16)}\r\n${text}\r\n`,
  },
  "until the connection ends": {
    start: head("HTTP/1.1 200 OK", "Content-Type: text/event-stream", "Connection: close"),
    line: (text) => text,
  },
};

for (const [framing, { start, line }] of Object.entries(framings)) {
  processStory(
    `curl, server-sent events ${framing} arrive one by one, each before the next is sent`,
    async (lab) => {
      const { app, pair } = await scene(lab);
      let seen = 0;
      const said = (number: number) => `data: event ${number}\n\n`;
      const listener = Promise.withResolvers<void>();
      serve(app, async (peer) => {
        await listener.promise;
        peer.send(start);
        for (let number = 1; number <= 20; number++) {
          peer.send(line(said(number)));
          await until(() => seen >= number ? true : undefined, `event ${number} at the client`);
        }
        peer.send(framing === "in chunks" ? "0\r\n\r\n" : "");
        peer.close();
      });
      const client = lab.start("curl", ["curl", "-sSN", `${url}/events`], { env: pair.env });
      listener.resolve();
      for (let number = 1; number <= 20; number++) {
        await until(
          async () => (await client.output()).includes(said(number)) ? true : undefined,
          `event ${number}`,
        );
        seen = number;
      }
      assertEquals(await client.exited(), 0);
      assertEquals((await client.output()).split("\n\n").length, 21);
    },
  );
}

processStory("curl, gzip bodies pass byte for byte in both directions", async (lab) => {
  const { app, pair } = await scene(lab);
  const text = "what is in the box? ".repeat(5000);
  const packed = gzipSync(text);
  let received = "";
  serve(app, async (peer, requestHead) => {
    const length = Number(/content-length: (\d+)/i.exec(requestHead)?.[1] ?? 0);
    received = await peer.take(length);
    peer.send(
      head("HTTP/1.1 200 OK", "Content-Encoding: gzip", `Content-Length: ${packed.length}`) +
        packed.toString("latin1"),
    );
  });
  const sent = `${lab.folder}/sent.gz`;
  const got = `${lab.folder}/got.gz`;
  await Deno.writeFile(sent, packed);
  await curl(lab, pair, [
    "--data-binary",
    `@${sent}`,
    "-H",
    "Content-Encoding: gzip",
    "-H",
    "Expect:",
    "-o",
    got,
    `${url}/box`,
  ]);
  assertEquals(Buffer.compare(Buffer.from(await Deno.readFile(got)), packed), 0);
  assertEquals(Buffer.compare(Buffer.from(received, "latin1"), packed), 0);
  const unpacked = await curl(lab, pair, ["--compressed", `${url}/box`]);
  assertEquals(unpacked.stdout, text);
});

processStory(
  "curl, repeated fields keep their number, order and spelling in both directions",
  async (lab) => {
    const { app, pair } = await scene(lab);
    const fields = [
      "Set-Cookie: a=1; Path=/; Expires=Wed, 09 Jun 2027 10:18:14 GMT",
      "X-DUP: one",
      "Set-Cookie: b=2; HttpOnly",
      "x-dup: two, three",
      "Set-Cookie: a=3",
      "X-Odd_Name.1: \t spaced \xfc",
      "X-Empty:",
    ];
    let requestHead = "";
    serve(app, (peer, text) => {
      requestHead = text;
      peer.send(answer("ok", "200 Very Fine", ...fields));
      return Promise.resolve();
    });
    const { stdout } = await curl(lab, pair, [
      ...["-o", "/dev/null", "-D", `${lab.folder}/head`],
      ...["-H", "X-Twice: one", "-H", "x-twice: two", "-H", "Cookie: c=1; d=2", "-A", "tester/1"],
      `${url}/a%2Fb/../c;x=1?q=%20+&&z`,
    ]);
    assertEquals(stdout, "");
    const got = Buffer.from(await Deno.readFile(`${lab.folder}/head`)).toString("latin1");
    const lines = got.split("\r\n").filter((one) => one !== "");
    assertEquals(lines[0], "HTTP/1.1 200 Very Fine");
    assertEquals(lines.slice(1).filter((one) => !one.startsWith("Content-Length")), fields);
    const sent = requestHead.split("\r\n");
    // curl itself takes the dots out of a path.
    assertEquals(sent[0], "GET /a%2Fb/c;x=1?q=%20+&&z HTTP/1.1".replace("/a%2Fb/c", "/c"));
    const own = sent.filter((one) => /^(x-twice|cookie|user-agent)/i.test(one));
    assertEquals(own, ["User-Agent: tester/1", "X-Twice: one", "x-twice: two", "Cookie: c=1; d=2"]);
  },
);

processStory("curl, Expect: 100-continue waits for the application's word", async (lab) => {
  const { app, pair } = await scene(lab);
  let bodyBefore = "?";
  serve(app, async (peer, requestHead) => {
    assertMatch(requestHead, /\r\nexpect: 100-continue\r\n/i);
    bodyBefore = peer.pending;
    if (requestHead.startsWith("POST /refuse")) {
      peer.send(answer("no", "417 Expectation Failed", "Connection: close"));
      return;
    }
    peer.send(head("HTTP/1.1 100 Continue"));
    const body = await peer.take(Number(/content-length: (\d+)/i.exec(requestHead)![1]));
    peer.send(answer(`${body.length}`));
  });
  const body = `${lab.folder}/body`;
  await Deno.writeTextFile(body, "b".repeat(300_000));
  // Without a 100 curl would wait for longer than it may take as a whole.
  const post = [
    "--expect100-timeout",
    "60",
    "-H",
    "Expect: 100-continue",
    "--data-binary",
    `@${body}`,
  ];
  const taken = await curl(lab, pair, ["-v", ...post, `${url}/take`]);
  assertEquals(taken.stdout, "300000");
  assertEquals(bodyBefore, "");
  assertMatch(taken.stderr, /< HTTP\/1\.1 100 Continue/);
  const refused = await curl(lab, pair, [
    "-w",
    " %{http_code} %{size_upload}",
    ...post,
    `${url}/refuse`,
  ]);
  assertEquals(refused.stdout, "no 417 0");
});

processStory(
  "curl, https through CONNECT reaches hosts outside and services of the mesh untouched",
  async (lab) => {
    const made = await lab.run([
      ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
      ...[
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=mesher test",
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem",
      ],
      ...["-addext", "subjectAltName=IP:127.0.0.1,DNS:SecureService"],
    ]);
    assertEquals(made.code, 0, made.stderr);
    const [cert, key] = await Promise.all(
      ["cert.pem", "key.pem"].map((name) => Deno.readTextFile(`${lab.folder}/${name}`)),
    );
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, cert: cert!, key: key!, onListen: () => {} },
      async (request) => new Response(`${request.method} ${await request.text()}`),
    );
    lab.defer(() => server.shutdown());
    const { port } = server.addr;
    const registry = await startRegistry(lab);
    const caller = new ServiceCenterCaller(registry.url);
    await caller.instance(await caller.service("SecureService"), [
      `rest://127.0.0.1:${port}`,
    ]);
    const consumer = await startSidecar(lab, { name: "consumer", env: { REGISTRY: registry.url } });
    for (const target of [`https://127.0.0.1:${port}/`, "https://SecureService/"]) {
      const { code, stdout, stderr } = await lab.run(
        ["curl", "-sS", "--max-time", "15", "--cacert", "cert.pem", "-d", "secret", target],
        { env: proxyVariables(consumer.proxy) },
      );
      assertEquals(code, 0, `${target}: ${stderr}`);
      assertEquals(stdout, "POST secret", target);
    }
    // What is no port of anybody ends the tunnel before it begins.
    const dead = await lab.run(
      ["curl", "-sS", "--max-time", "15", "-p", "-x", consumer.proxy, "https://NobodyService/"],
    );
    assert(dead.code !== 0);
    assertMatch(dead.stderr, /503/);
  },
);
