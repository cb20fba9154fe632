/** The npm client `ws` speaks through two sidecars: with an Upgrade in absolute form, and inside CONNECT. */
import { assertEquals } from "@test/assert";
import { serveApp } from "../support/process_http.ts";
import { startPair } from "../support/process_pair.ts";
import { npmPackages, toolStory } from "../support/process_tools.ts";
import type { Lab } from "../support/process.ts";

/** An echo program; what it was asked on is the first message. */
function echo(lab: Lab): number {
  return serveApp(lab, (request) => {
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") return new Response("plain");
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => socket.send(new URL(request.url).pathname);
    socket.onmessage = ({ data }) => socket.send(data);
    return response;
  });
}

/** Sends texts and 1 MiB of bytes, checks the echo, closes in order and prints the code. */
const conversation = `
import WebSocket from "ws";
import net from "node:net";
import { HttpsProxyAgent } from "https-proxy-agent";
const proxy = new URL(process.env.http_proxy);
const ways = {
  // What a client does that knows http_proxy and writes the whole URL into the request line.
  absolute: () => ({
    createConnection: () => net.connect(proxy.port, proxy.hostname),
    finishRequest: (request) => {
      request.path = "http://AccountService/echo";
      request.end();
    },
  }),
  connect: () => ({ agent: new HttpsProxyAgent(proxy) }),
};
const way = process.argv[2];
const options = ways[way]();
const url = "ws://AccountService/echo";
const socket = new WebSocket(url, options);
const big = Buffer.alloc(1 << 20, 7);
const sent = ["one", "zwei \\u00fc", big];
const got = [];
socket.on("message", (data, binary) => {
  got.push(binary ? data : data.toString());
  if (got.length <= sent.length) socket.send(sent[got.length - 1]);
  else socket.close(4001, "done");
});
socket.on("error", (error) => { console.error(error); process.exit(1); });
socket.on("close", (code, reason) => {
  const [path, ...echoes] = got;
  const same = echoes.length === 3 && echoes[0] === sent[0] && echoes[1] === sent[1] &&
    Buffer.compare(echoes[2], big) === 0;
  console.log(JSON.stringify({ path, same, code, reason: reason.toString() }));
});
`;

toolStory("ws, an echo through the proxy with an absolute target and inside CONNECT", [
  "node",
  "npm",
], async (lab) => {
  const folder = await npmPackages(lab, "ws@8", "https-proxy-agent@7");
  await Deno.writeTextFile(`${folder}/talk.js`, conversation);
  const pair = await startPair(lab, echo(lab));
  for (const way of ["absolute", "connect"]) {
    const { code, stdout, stderr } = await lab.run(["node", "talk.js", way], {
      cwd: folder,
      env: { http_proxy: pair.consumer.proxy },
    });
    assertEquals(code, 0, `${way}: ${stderr}`);
    assertEquals(
      JSON.parse(stdout),
      { path: "/echo", same: true, code: 4001, reason: "done" },
      way,
    );
  }
});
