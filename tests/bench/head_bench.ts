/** What a head costs: parsing a request and a response, composing the upstream's request. */
import { RequestPlan } from "../../lib/data/proxy/plan.ts";
import { fieldPlans } from "../../lib/data/proxy/field_plan.ts";
import { writeRequestHead } from "../../lib/data/proxy/request_writer.ts";
import { Writer } from "../../lib/data/http1/bytes.ts";
import { RequestHead } from "../../lib/data/http1/request_head.ts";
import { ResponseHead } from "../../lib/data/http1/response_head.ts";
import { changed, defaultPolicy } from "../support/policy.ts";

const encoder = new TextEncoder();

const requests = {
  "short, 2 fields": "GET / HTTP/1.1\r\nHost: shop:8080\r\nAccept: */*\r\n\r\n",
  "usual, 6 fields": "GET /api/v1/items/42?expand=price HTTP/1.1\r\nHost: shop:8080\r\n" +
    "User-Agent: okhttp/4.12.0\r\nAccept: application/json\r\nAccept-Encoding: gzip\r\n" +
    "Connection: Keep-Alive\r\nx-request-id: 4bf92f3577b34da6a3ce929d0e0e4736\r\n\r\n",
  "browser, 16 fields": "GET /shop/cart HTTP/1.1\r\nHost: www.example.com\r\n" +
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0\r\n" +
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8\r\n" +
    "Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n" +
    "Referer: https://www.example.com/shop\r\nConnection: keep-alive\r\n" +
    `Cookie: session=${"0123456789abcdef".repeat(12)}; theme=dark\r\n` +
    "Upgrade-Insecure-Requests: 1\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\n" +
    "Sec-Fetch-Site: same-origin\r\nSec-Fetch-User: ?1\r\nPriority: u=0, i\r\n" +
    "Pragma: no-cache\r\nCache-Control: no-cache\r\n\r\n",
} as const;

const responses = {
  "usual, 5 fields":
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sun, 23 Nov 2025 07:35:00 GMT\r\n" +
    "Content-Type: application/json\r\nContent-Length: 100\r\nConnection: keep-alive\r\n\r\n",
} as const;

const policy = changed(defaultPolicy, { service: "frontend" });
const plans = fieldPlans(policy);

for (const [name, text] of Object.entries(requests)) {
  const bytes = encoder.encode(text);
  const head = new RequestHead();
  const limits = { to: bytes.length, maxFields: 100 };
  Deno.bench(`request head, parse: ${name}`, { group: "parse" }, () => {
    head.parse(bytes, 0, limits);
  });
}

for (const [name, text] of Object.entries(responses)) {
  const bytes = encoder.encode(text);
  const head = new ResponseHead();
  const limits = { to: bytes.length, maxFields: 100 };
  Deno.bench(`response head, parse: ${name}`, { group: "parse" }, () => {
    head.parse(bytes, 0, limits);
  });
}

for (const [name, text] of Object.entries(requests)) {
  const bytes = encoder.encode(text);
  const head = new RequestHead();
  head.parse(bytes, 0, { to: bytes.length, maxFields: 100 });
  const writer = new Writer();
  const plan = new RequestPlan();
  plan.fields = plans.toService;
  plan.host = "shop";
  plan.forwardedPort = 8080;
  plan.pathFrom = head.targetFrom;
  plan.pathTo = head.targetTo;
  plan.responseMs = 30_000;
  Deno.bench(`request head, write to a service: ${name}`, { group: "write" }, () => {
    writer.clear();
    writeRequestHead(writer, bytes, { head, plan, plans, maxHops: 10 });
  });
}
