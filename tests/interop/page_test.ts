/** The live page in a real browser, fed by a sidecar that the test plays. */
import { assert, assertEquals } from "@test/assert";
import { axeSource } from "../support/axe.ts";
import { Browser, findBrowser, type Page, type PageSize } from "../support/browser.ts";
import { PageWorld, type PageWorldOptions } from "../support/page_world.ts";

const program = findBrowser();
if (program === undefined) {
  console.log("the page's tests are skipped: no chromium in PATH (apt-get install chromium)");
}

const desk = { width: 1280, height: 900 };
const phone = { width: 360, height: 740 };

/** One browser for one test, with a page on a world of its own. */
function pageTest(
  name: string,
  test: (at: { page: Page; world: PageWorld; browser: Browser }) => Promise<void>,
  options: PageWorldOptions & { size?: PageSize; set?: (world: PageWorld) => void } = {},
): void {
  Deno.test({
    name: `live page, ${name}`,
    ignore: program === undefined,
    async fn() {
      await using world = new PageWorld(options);
      options.set?.(world);
      await using browser = await Browser.start(program!);
      const page = await browser.newPage(options.size ?? desk);
      await page.open(world.url);
      await test({ page, world, browser });
      assertEquals(page.complaints, []);
    },
  });
}

function shop(world: PageWorld): void {
  world.add("AccountService", { endpoints: 3, perSecond: 50 });
  world.add("Cart", { endpoints: 2, perSecond: 12, p50: 4 });
  world.add("Recommendations", { endpoints: 9, perSecond: 0.4, p50: 40 });
  world.all = [62.4, 0, 0, 1.2, 4.1, 9.8];
  world.fillHistory(62);
}

/** The shop on a bad day. */
function trouble(world: PageWorld): void {
  shop(world);
  const account = world.services.get("AccountService")!;
  world.set(account.endpoints[1]!, "unreachable", "connect_refused");
  const cart = world.services.get("Cart")!;
  world.set(cart.endpoints[0]!, "ejected", "consecutive_failures");
  cart.figures = [12, 1, 0.08, 4, 20, 60];
  world.fail("no_endpoint", { service: "Billing", endpoint: "", detail: "none of 2 is up" });
  for (let count = 0; count < 14; count++) world.fail("connect_refused", { attempts: 3 });
  world.registryDown();
}

function crowd(world: PageWorld): void {
  for (let index = 0; index < 500; index++) {
    const name = `Service${String(index).padStart(3, "0")}`;
    world.add(name, { endpoints: 1 + index % 12, perSecond: (index * 37) % 91 });
  }
  world.set(world.services.get("Service011")!.endpoints[3]!, "ejected", "success_rate");
  world.all = [20_000, 3, 0.0002, 1, 2, 3];
  world.fillHistory(20_000);
}

const text = (selector: string) =>
  `(document.querySelector("${selector}")?.innerText ?? "").replace(/\\s+/g, " ")`;
const shows = (selector: string, words: string) =>
  `(${text(selector)}).includes(${JSON.stringify(words)})`;

pageTest("shows services with their rates, and nothing that is against its content policy", async (
  { page },
) => {
  await page.until(shows("#map", "AccountService"), "a service in the map");
  await page.until(shows(".services", "Recommendations"), "a service in the table");
  assertEquals(await page.evaluate(text("#name")), "StoreWeb");
  assert(await page.evaluate(shows("#map", "50.0/s")));
  assert(await page.evaluate(shows("#chips", "Ready")));
  assertEquals(
    await page.evaluate("document.querySelectorAll('path.trace[d^=M]').length > 3"),
    true,
  );
  const sources = await page.evaluate<string[]>(
    "performance.getEntriesByType('resource').map((one) => new URL(one.name).origin)",
  );
  const own = await page.evaluate<string>("location.origin");
  assert(sources.length > 10 && sources.every((origin) => origin === own), sources.join(" "));
}, { set: shop });

pageTest("moves while calls are made, without being loaded again", async ({ page, world }) => {
  await page.until(shows("#map", "50.0/s"), "the first rate");
  await page.evaluate("window.same = true");
  world.services.get("AccountService")!.figures = [321, 0, 0, 1, 2, 3];
  world.all = [333, 0, 0, 1, 2, 3];
  world.live.tick();
  await page.until(shows("#map", "321/s"), "the new rate in the map");
  await page.until(shows(".services", "321/s"), "the new rate in the table");
  world.add("Newcomer");
  world.services.delete("Cart");
  world.live.tick();
  await page.until(shows(".services", "Newcomer"), "a new service");
  await page.until(`!${shows("#map", "Cart")}`, "that a service has gone");
  assertEquals(await page.evaluate("window.same"), true);
}, { set: shop });

pageTest("shows an ejected endpoint, a failure with what to check, and a silent registry", async (
  { page, world },
) => {
  await page.until(shows("#map", "AccountService"), "the map");
  assert(await page.evaluate(shows("#failures", "No call has failed")));
  world.set(world.services.get("AccountService")!.endpoints[0]!, "ejected", "consecutive_failures");
  world.fail("connect_refused");
  world.registryDown();
  world.live.tick();
  await page.until(shows("#map", "left out"), "the endpoint's state");
  assertEquals(
    await page.evaluate("document.querySelectorAll('#map .mark[data-state=ejected]').length"),
    2,
    "one in the map, one in the legend",
  );
  await page.until(shows("#failures", "The endpoint refused the connection"), "the failure");
  assert(await page.evaluate(shows("#failures", "Check: Look whether the program behind")));
  await page.until(shows("#chips", "Registry silent for"), "the registry's silence");
  await page.until(shows("#notices", "Calls go on with what is known"), "what that means");
  await page.until(
    shows("#announcer", "AccountService: 1 of 3 endpoints left out"),
    "an announcement",
  );
}, { set: shop });

pageTest("a sidecar nobody has called says how to begin", async ({ page }) => {
  await page.until(shows("#map", "curl -x http://127.0.0.1:30101 http://ServiceName/"), "a hint");
  assert(await page.evaluate(shows("#charts", "No calls yet") + " || true"));
  assertEquals(await page.evaluate("document.querySelector('#map-in').hidden"), true);
  assertEquals(await page.evaluate("document.querySelector('#filter-box').hidden"), true);
}, { named: false });

pageTest("a service opens by keyboard, shows its history, and gives the focus back", async (
  { page },
) => {
  await page.until(shows("#map", "AccountService"), "the map");
  await page.evaluate("document.querySelector('.target').focus()");
  await page.key("Enter");
  await page.until("document.querySelector('#panel').open", "the panel");
  assertEquals(await page.evaluate("document.activeElement.id"), "panel-title");
  await page.until("document.querySelectorAll('.parts > li').length === 3", "the endpoints");
  await page.evaluate("document.querySelector('.parts summary').focus()");
  await page.key("Enter");
  await page.until(shows("#panel", "unreachable: refuses connections"), "the state's reason");
  await page.until(shows("#panel .events", "first seen, healthy"), "the endpoint's history");
  assert(await page.evaluate("document.querySelectorAll('#panel .bars rect').length === 30"));
  assertEquals(await page.evaluate("location.hash"), "#service=AccountService");
  for (let press = 0; press < 12; press++) {
    await page.key("Tab");
    // At the end of a modal dialog the focus may pass through the browser itself.
    assert(
      await page.evaluate(
        "document.querySelector('#panel').contains(document.activeElement) || " +
          "document.activeElement === document.body",
      ),
    );
  }
  await page.key("Escape");
  await page.until("!document.querySelector('#panel').open", "the panel closed");
  assertEquals(await page.evaluate("document.activeElement.className"), "target");
  await page.until("location.hash === ''", "that the place is the page itself again");
}, { set: trouble });

pageTest("an endpoint's address can be passed on as a link", async ({ page, world }) => {
  await page.open("about:blank");
  await page.open(`${world.url}#service=AccountService&address=10.0.0.2:8080`);
  await page.until(
    "document.activeElement.tagName === 'SUMMARY' && " +
      "document.activeElement.innerText.includes('10.0.0.2:8080')",
    "the endpoint, opened and in focus",
  );
  await page.until(shows("#panel .events", "unreachable: refuses connections"), "its history");
  await page.evaluate("document.querySelector('#panel .close').click()");
  await page.until("location.hash === ''", "that the link is gone with the panel");
}, { set: trouble });

pageTest("asks for the token, says when it is wrong, keeps it for the tab", async ({ page }) => {
  const enter = async (token: string) => {
    await page.until("document.activeElement.id === 'token-field'", "the field for the token");
    await page.type(token);
    await page.key("Enter");
  };
  await enter("wrong horse");
  await page.until(shows("#token-wrong", "not the token"), "that it was wrong");
  await enter("correct horse");
  await page.until(shows("#map", "AccountService"), "the services");
  assertEquals(await page.evaluate("document.querySelector('#token').open"), false);
  assertEquals(await page.evaluate("document.querySelector('#links').hidden"), true);
  assertEquals(await page.evaluate("localStorage.length"), 0);
  await page.evaluate("document.querySelector('.target').click()");
  await page.until("document.querySelectorAll('.parts > li').length === 3", "the endpoints");
  await page.evaluate("location.reload()");
  await page.until(shows("#map", "AccountService"), "the services after a reload");
  // The browser itself tells of answers with 401.
  const refused = page.complaints.filter((line) => !line.includes("401"));
  page.complaints.length = 0;
  assertEquals(refused, []);
}, { token: "correct horse", set: shop });

pageTest("says when the sidecar is gone, and comes back with it", async ({ page, world }) => {
  await page.until(shows("#map", "AccountService"), "the map");
  await world.stop();
  await page.until(shows("#chips", "No answer from this sidecar"), "that it is gone");
  assert(await page.evaluate(shows("#map", "AccountService")), "what was known stays");
  world.start();
  await page.until(shows("#chips", "Ready"), "that it is back", 20_000);
  // The browser itself tells of connections that are refused.
  page.complaints.length = 0;
}, { set: shop });

pageTest("five hundred services are shown at once, and found", async ({ page, world }) => {
  const startMs = performance.now();
  await page.evaluate(
    "window.tasks = []; new PerformanceObserver((list) => " +
      "window.tasks.push(...list.getEntries().map((one) => one.duration)))" +
      ".observe({ type: 'longtask', buffered: true })",
  );
  await page.until("document.querySelectorAll('.services tbody tr').length === 25", "the table");
  const shownMs = performance.now() - startMs;
  assert(shownMs < 3000, `shown after ${Math.round(shownMs)} ms`);
  assertEquals(await page.evaluate("document.querySelectorAll('.targets > li').length"), 8);
  assert(await page.evaluate(`(${text(".services tbody tr")}).startsWith("Service011")`));
  for (let tick = 0; tick < 6; tick++) {
    for (const service of world.services.values()) {
      service.figures = [Math.random() * 90, 0, 0, 1, 2, 3];
    }
    world.live.tick();
    await page.evaluate("new Promise((resolve) => setTimeout(resolve, 150))");
  }
  const tasks = await page.evaluate<number[]>("window.tasks");
  assert(Math.max(0, ...tasks) < 250, `long tasks: ${tasks.map(Math.round).join(", ")} ms`);
  const nodes = await page.evaluate<number>("document.querySelectorAll('*').length");
  assert(nodes < 2000, `${nodes} elements`);

  await page.evaluate("document.querySelector('.pages button:last-child').click()");
  await page.until(shows(".pages", "26–50 of 500"), "the second page");
  await page.evaluate("document.querySelector('#filter').focus()");
  await page.type("service3");
  await page.until(shows(".pages", "1–25 of 100, 500 in all"), "what fits the filter");
  await page.type("99");
  await page.until("document.querySelectorAll('.services tbody tr').length === 1", "the one found");
  await page.until("document.querySelectorAll('.targets > li').length === 1", "the one in the map");
  await page.type("x");
  await page.until(shows("#service-table", "None of 500 services fits"), "that none fits");
}, { set: crowd });

const views: readonly (readonly [string, (world: PageWorld) => void, string?])[] = [
  ["healthy", shop],
  ["trouble", trouble],
  ["crowd", crowd],
  ["empty", () => {}],
  ["panel", trouble, "document.querySelector('.endpoint').click()"],
  [
    "unfolded",
    trouble,
    "for (const one of document.querySelectorAll('details')) one.open = true",
  ],
];

interface AxeViolation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly target: readonly string[]; readonly html: string }[];
}

for (const [name, set, act] of views) {
  for (const dark of [false, true]) {
    const shade = dark ? "dark" : "light";
    pageTest(`${name}, ${shade}: keeps nobody out, wide and on a phone`, async ({ page }) => {
      await page.until(`${text("#identity")} !== ""`, "the page");
      if (act !== undefined) await page.evaluate(act);
      if (name === "panel") {
        await page.until("document.querySelectorAll('.parts > li').length === 3", "the endpoints");
      }
      await page.evaluate(axeSource);
      for (const size of [desk, phone]) {
        await page.resize({ ...size, dark });
        // Two frames, so that everything is drawn in the new size.
        await page.evaluate(
          "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))",
        );
        const width = await page.evaluate<number>("document.documentElement.scrollWidth");
        assert(width <= size.width, `${width} px wide on ${size.width}`);
        const violations = await page.evaluate<AxeViolation[]>(
          "axe.run(document, { resultTypes: ['violations'] })" +
            ".then(({ violations }) => JSON.parse(JSON.stringify(violations)))",
        );
        const serious = violations.filter(({ impact }) =>
          impact === "serious" || impact === "critical"
        );
        assertEquals(
          serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 200))]),
          [],
        );
        const folder = Deno.env.get("MESHER_PICTURES");
        if (folder !== undefined) {
          await page.picture(`${folder}/${name}-${shade}-${size.width}.png`, {
            whole: name !== "panel",
          });
        }
      }
    }, { set, size: { ...desk, dark } });
  }
}
