/** The live page of a real sidecar in a real browser: calls, a killed instance, a registry that goes away. */
import { assert, assertEquals } from "@test/assert";
import { Browser, findBrowser } from "../support/browser.ts";
import { type Lab, processesHere } from "../support/process.ts";
import { callOnce, serveApp } from "../support/process_http.ts";
import {
  type RegistryProcess,
  type SidecarProcess,
  startRegistry,
  startSidecar,
  untilRegistered,
} from "../support/process_mesher.ts";
import { processStory } from "../support/process_story.ts";

const program = findBrowser();

async function startProvider(
  lab: Lab,
  registry: RegistryProcess,
  name: string,
): Promise<SidecarProcess> {
  const port = serveApp(lab, () => new Response(name));
  const provider = await startSidecar(lab, {
    name,
    env: { REGISTRY: registry.url, SERVICE: "AccountService", PORTS: `rest:${port}` },
  });
  await untilRegistered(provider);
  return provider;
}

const has = (selector: string, words: string) =>
  `(document.querySelector("${selector}")?.innerText ?? "").replace(/\\s+/g, " ")` +
  `.includes(${JSON.stringify(words)})`;

async function story(lab: Lab): Promise<void> {
  const registry = await startRegistry(lab);
  const one = await startProvider(lab, registry, "one");
  const two = await startProvider(lab, registry, "two");
  const consumer = await startSidecar(lab, {
    name: "consumer",
    env: { REGISTRY: registry.url, DISCOVERY_POLL: "1s" },
  });
  await using browser = await Browser.start(program!);
  const page = await browser.newPage({ width: 1280, height: 900 });
  await page.open(`http://127.0.0.1:${consumer.admin}/`);
  await page.until(has("#map", "No service has been called yet"), "that nothing was called");

  const call = () => callOnce(consumer.outbound, "http://AccountService/");
  for (let count = 0; count < 40; count++) assertEquals((await call()).status, 200);
  await page.until(has("#map", "AccountService"), "the service that was called");
  await page.until(has("#map", `127.0.0.1:${one.inbound}`), "its endpoints");
  await page.until(`!${has("#charts .keys", "all –")}`, "a first point in the chart");
  await page.until(
    "parseFloat(document.querySelector('.figures').innerText) > 0.5",
    "a rate of calls",
  );

  // One is gone without a word; what is not answered at once is answered by the other.
  one.process.killFamily();
  for (let count = 0; count < 10; count++) assertEquals((await call()).status, 200);
  await page.until(has("#map", "unreachable"), "that an endpoint is unreachable");
  assert(await page.evaluate(has("#failures", "No call has failed")));

  two.process.killFamily();
  assertEquals((await call()).status >= 500, true);
  await page.until("document.querySelectorAll('.failure').length > 0", "the failure");
  assert(await page.evaluate(has(".failure", "Check:")));
  await page.until(has("#chips", "failed call"), "that calls failed, at the top");

  registry.process.killFamily();
  await page.until(has("#chips", "Registry silent for"), "that the registry is silent", 30_000);
  await page.until(has("#notices", "Calls go on with what is known"), "what that means");
  assertEquals(page.complaints, []);

  const folder = Deno.env.get("MESHER_PICTURES");
  if (folder !== undefined) await page.picture(`${folder}/story.png`);
}

if (program === undefined || !processesHere) {
  Deno.test({ name: "live page, story of a real sidecar", ignore: true, fn: () => {} });
} else processStory("live page, story of a real sidecar", story);
