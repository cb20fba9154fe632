/** Deno's fetch, which reads http_proxy by itself. */
import { createHash } from "node:crypto";

const [base, bytes, again] = ["BASE", "BYTES", "AGAIN"].map((name) => Deno.env.get(name)!);
const get = await (await fetch(`${base}/hello`)).text();
const posted = await fetch(`${base}/echo`, { method: "POST", body: "posted" });
const { body } = await posted.json();
const digest = createHash("sha256");
for await (const part of (await fetch(`${base}/bytes?n=${bytes}`)).body!) digest.update(part);
for (let i = 0; i < Number(again); i++) await (await fetch(`${base}/hello`)).text();
console.log(JSON.stringify({ get, post: body, sha256: digest.digest("hex") }));
