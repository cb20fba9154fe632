/**
 * The programs behind the sidecar in a soak: `origin.ts COUNT` listens on so many ports and prints them in one line.
 *
 * The first port is slow, the last one returns raw bytes as they come; all others are alike.
 */
import http from "node:http";
import net from "node:net";
import type { AddressInfo } from "node:net";

const slowMs = 200;
const eventMs = 20;
const eventCount = 5;
const piece = new Uint8Array(10_000).fill(120);

function handle(request: http.IncomingMessage, response: http.ServerResponse): void {
  const path = request.url ?? "/";
  if (path === "/events") return sendEvents(response);
  if (path === "/chunked") {
    response.writeHead(200, { "content-type": "text/plain" });
    for (let count = 0; count < 3; count++) response.write(piece);
    response.end();
    return;
  }
  let bytes = 0;
  request.on("data", (part: Uint8Array) => bytes += part.length);
  request.on("end", () => {
    const body = JSON.stringify({ method: request.method, bytes });
    response.writeHead(200, { "content-type": "application/json", "content-length": body.length });
    response.end(body);
  });
}

function sendEvents(response: http.ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  let sent = 0;
  const timer = setInterval(() => {
    response.write(`data: event ${++sent}\n\n`);
    if (sent === eventCount) response.end();
  }, eventMs);
  response.on("close", () => clearInterval(timer));
}

function startHttp(delayMs: number): http.Server {
  const server = http.createServer((request, response) => {
    if (delayMs === 0) handle(request, response);
    else setTimeout(() => handle(request, response), delayMs);
  });
  server.keepAliveTimeout = 60_000;
  server.on("upgrade", (_request, socket, head) => {
    socket.on("error", () => {});
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    );
    if (head.length > 0) socket.write(head);
    socket.pipe(socket);
  });
  return server;
}

function startEcho(): net.Server {
  return net.createServer((socket) => {
    socket.on("error", () => {});
    socket.pipe(socket);
  });
}

if (import.meta.main) {
  const count = Number(Deno.args[0]);
  const servers = Array.from({ length: count }, (_, index) => {
    if (index === count - 1) return startEcho();
    return startHttp(index === 0 ? slowMs : 0);
  });
  await Promise.all(
    servers.map((server) => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))),
  );
  console.log(`ports ${servers.map((server) => (server.address() as AddressInfo).port).join(" ")}`);
}
