/** Changes messages the way attackers and broken programs do: a byte here, a line there, a piece of another one. */
import type { Seeded } from "./seeded.ts";

export const requestHeads: readonly string[] = [
  "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
  "GET /index.html?a=b HTTP/1.0\r\n\r\n",
  "POST http://shop/cart HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: a:80\r\nTransfer-Encoding: chunked\r\n\r\n",
  "PUT /x HTTP/1.1\r\nhost:a\r\ncontent-length:0012\r\nConnection: keep-alive\r\n\r\n",
  "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close, X-A\r\nX-A: b\r\n\r\n",
  "HEAD / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nTE: trailers\r\n\r\n",
  "DELETE /1 HTTP/1.0\r\nConnection: keep-alive\r\nUser-Agent: \t x y \t\r\nEmpty:\r\n\r\n",
  "\r\n\r\nPATCH / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
  'GET / HTTP/1.1\r\nHost: a\r\nx-cse-context: {"a":"b"}\r\nx-mesher-hops: 1\r\n\r\n',
  "GET / HTTP/1.1\r\nHost: a\r\na: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\ne: 5\r\nf: 6\r\ng: 7\r\n\r\n",
];

export const responseHeads: readonly string[] = [
  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n",
  "HTTP/1.0 404 Not Found\r\nConnection: close\r\nServer: x\r\n\r\n",
  "HTTP/1.1 204 \r\n\r\n",
  'HTTP/1.1 304\r\nETag: "a"\r\n\r\n',
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
  "HTTP/1.1 503 \xe4\xfc\r\nx-mesher-unsent: 1\r\nRetry-After: 1\r\nKeep-Alive: timeout=5\r\n\r\n",
];

export const chunkedBodies: readonly string[] = [
  "5\r\nhello\r\n0\r\n\r\n",
  "0\r\n\r\n",
  "a;ext=1\r\n0123456789\r\n1\r\nx\r\n0\r\nTrailer-A: b\r\ngrpc-status: 0\r\n\r\n",
  '00005\r\n\r\n0\r\n\r\n0;x="y"\r\n\r\n',
  "1F\r\n0123456789012345678901234567890\r\n0\r\nX-Host: a\r\n\r\n",
];

const lines: readonly string[] = [
  "Content-Length: 5\r\n",
  "content-length: 0\r\n",
  "Content-Length: 5, 5\r\n",
  "Content-Length: +5\r\n",
  "Content-Length : 5\r\n",
  "Transfer-Encoding: chunked\r\n",
  "transfer-encoding:chunked\r\n",
  "Transfer-Encoding: gzip, chunked\r\n",
  "Transfer-Encoding: identity\r\n",
  "Transfer-Encoding : chunked\r\n",
  "Transfer-Encoding:\x0bchunked\r\n",
  "Transfer-Encoding\r\n : chunked\r\n",
  " Transfer-Encoding: chunked\r\n",
  "X: y\rTransfer-Encoding: chunked\r\n",
  "X: y\nTransfer-Encoding: chunked\r\n",
  "Host: b\r\n",
  "Host:\r\n",
  "Connection: close\r\n",
  "Connection: Keep-Alive\r\n",
  "connection: content-length, host, close\r\n",
  "GET /next HTTP/1.1\r\n",
  "0\r\n\r\n",
  "\r\n",
  "\n",
  "\r",
];

const bytes: readonly string[] = [
  ...["\r", "\n", "\r\n", "\n\n", " ", "\t", ":", ",", ";", "\0", "\x0b", "\x0c", "\x7f", "\x80"],
  ...["\xff", "0", "9", "a", "A", "f", "G", "_", "-", "/", ".", '"', "(", "+", "1", "=", "@"],
];

/** Up to six changes in places chosen at random. */
export function mutate(random: Seeded, original: string, others: readonly string[]): string {
  let message = original;
  for (let change = random.below(6); change > 0; change--) {
    const at = random.below(message.length + 1);
    const length = 1 + random.below(random.below(4) === 0 ? 12 : 2);
    const put = (piece: string, instead = 0) => {
      message = message.slice(0, at) + piece + message.slice(at + instead);
    };
    switch (random.below(9)) {
      case 0:
        put(random.of(bytes));
        break;
      case 1:
        put(random.of(bytes), 1);
        break;
      case 2:
        put("", length);
        break;
      case 3:
        put(message.slice(at, at + length));
        break;
      case 4:
        put(String.fromCharCode(random.below(256)), 1);
        break;
      case 5: {
        const other = random.of(others);
        const from = random.below(other.length);
        put(other.slice(from, from + 1 + random.below(30)));
        break;
      }
      case 6: {
        // Whole lines go where lines begin, or every one of them would only spoil another.
        const lineFrom = message.lastIndexOf("\r\n", at);
        const to = lineFrom < 0 ? 0 : lineFrom + 2;
        message = message.slice(0, to) + random.of(lines) + message.slice(to);
        break;
      }
      case 7: {
        const found = /[A-Za-z]+/.exec(message.slice(at));
        if (found === null) break;
        const from = at + found.index;
        const word = found[0];
        const other = random.below(2) === 0 ? word.toUpperCase() : word.toLowerCase();
        message = message.slice(0, from) + other + message.slice(from + word.length);
        break;
      }
      default:
        if (random.below(6) === 0) message = message.slice(0, at);
    }
  }
  return message;
}
