/** The embedded registry on a real port, byte by byte: bodies of no length, kept connections, refused addresses. */
import { assertEquals, assertMatch } from "@test/assert";
import { FaultyServer } from "../support/faulty_registry.ts";
import { rawClient, type RawPeer } from "../support/raw.ts";

const base = "/v4/default/registry";

function ask(method: string, path: string, options: { body?: object; accept?: string } = {}) {
  const body = options.body === undefined ? "" : JSON.stringify(options.body);
  return [
    `${method} ${path} HTTP/1.1`,
    "Host: registry",
    ...(options.accept === undefined ? [] : [`Accept-Encoding: ${options.accept}`]),
    ...(options.body === undefined ? [] : ["Content-Type: application/json"]),
    `Content-Length: ${body.length}`,
    "",
    body,
  ].join("\r\n");
}

async function tell(
  peer: RawPeer,
  ...args: Parameters<typeof ask>
): Promise<{ readonly status: number; readonly head: string; readonly body: string }> {
  peer.send(ask(...args));
  const { head, body } = await peer.message();
  return { status: Number(head.slice(9, 12)), head, body };
}

async function connect(server: FaultyServer): Promise<RawPeer & Disposable> {
  const peer = await rawClient(Number(new URL(server.url).port));
  return Object.assign(peer, { [Symbol.dispose]: () => peer.close() });
}

async function registered(peer: RawPeer): Promise<string> {
  const service = await tell(peer, "POST", `${base}/microservices`, {
    body: { service: { serviceName: "cart", version: "1.0.0" } },
  });
  const path = `${base}/microservices/${JSON.parse(service.body).serviceId}/instances`;
  const instance = await tell(peer, "POST", path, { body: { instance: { hostName: "h" } } });
  return `${path}/${JSON.parse(instance.body).instanceId}`;
}

Deno.test("registry wire, writes answer with a body of length 0, many on one connection", async () => {
  await using server = await FaultyServer.start();
  using peer = await connect(server);
  const path = await registered(peer);
  const writes = [
    ["PUT", `${path}/heartbeat`, undefined],
    ["PUT", `${path}/status?value=DOWN`, undefined],
    ["PUT", `${path}/properties`, { properties: { grp: "a" } }],
    ["PUT", `${base}/instances/status`, { status: "UP", matches: { properties: { grp: "a" } } }],
    ["DELETE", path, undefined],
  ] as const;
  for (const [method, url, body] of writes) {
    const told = await tell(peer, method, url, body === undefined ? {} : { body });
    assertEquals([told.status, told.body], [200, ""], url);
    assertMatch(told.head, /\r\ncontent-length: 0\r\n/i, url);
    assertMatch(told.head, /\r\ncontent-type: text\/plain; charset=UTF-8\r\n/i, url);
    assertMatch(told.head, /^HTTP\/1\.1 /);
  }
  assertEquals((await tell(peer, "PUT", `${path}/heartbeat`)).status, 400);
  assertEquals(peer.end, undefined, "the connection is still there");
});

Deno.test("registry wire, several requests sent ahead are answered in their order", async () => {
  await using server = await FaultyServer.start();
  using peer = await connect(server);
  const path = await registered(peer);
  peer.send(ask("PUT", `${path}/heartbeat`) + ask("GET", `${base}/nope`) + ask("GET", path));
  const statuses: string[] = [];
  for (let i = 0; i < 3; i++) statuses.push((await peer.message()).head.slice(9, 12));
  assertEquals(statuses, ["200", "404", "200"]);
});

Deno.test("registry wire, an address with an empty id is refused with the cleaned one and not acted on", async () => {
  await using server = await FaultyServer.start();
  using peer = await connect(server);
  const path = await registered(peer);
  const told = await tell(peer, "DELETE", path.replace("/instances/", "//instances/"));
  assertEquals(told.status, 301);
  assertMatch(told.head, new RegExp(`\r\nlocation: ${path}\r\n`, "i"));
  assertEquals((await tell(peer, "PUT", `${path}/heartbeat`)).status, 200);
});

Deno.test("registry wire, a version rule and a trailing mark in any spelling do not hurt a find", async () => {
  await using server = await FaultyServer.start();
  using peer = await connect(server);
  await registered(peer);
  const find = `${base}/instances?appId=default&serviceName=cart`;
  const spellings = [
    "&version=0%2B",
    "&version=0%252B",
    "&version=0.0.0.0+",
    "&version=latest",
    "",
    "&rev=",
    "&rev=0",
    "&version=0+",
    "&env=&global=true&",
  ];
  for (const more of spellings) {
    const told = await tell(peer, "GET", find + more);
    assertEquals([told.status, JSON.parse(told.body).instances?.length], [200, 1], more);
  }
});

Deno.test("registry wire, who accepts compressed answers gets one that it can read", async () => {
  await using server = await FaultyServer.start();
  using peer = await connect(server);
  await registered(peer);
  const response = await fetch(`${server.url}${base}/instances?appId=default&serviceName=cart`, {
    headers: { "Accept-Encoding": "gzip" },
  });
  assertEquals((await response.json()).instances.length, 1);
});
