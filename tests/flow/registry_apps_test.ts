/** Services of other applications in a real registry: who finds whom, and by which name. */
import { assertEquals } from "@test/assert";
import { FakeClock } from "../support/fake_clock.ts";
import { FaultyRegistry, SidecarParts } from "../support/faulty_registry.ts";

const url = "http://registry:30100";

for (
  const [consumer, service] of [
    ["a registered consumer", "Store"],
    ["a consumer without a name", undefined],
  ] as const
) {
  Deno.test(`other applications, ${consumer} finds what they share by service.application and nothing else of them`, async () => {
    const clock = new FakeClock();
    const faulty = new FaultyRegistry({ clock });
    await faulty.start();
    const started: SidecarParts[] = [];
    const start = (options: Partial<ConstructorParameters<typeof SidecarParts>[0]>) => {
      const parts = new SidecarParts({ clock, url, fetch: faulty.fetch, ...options });
      started.push(parts);
      return parts;
    };
    try {
      start({
        app: "shop",
        service: "Cart",
        allowCrossApp: true,
        endpoints: ["rest://10.0.0.1:80"],
      });
      start({ app: "shop", service: "Secret", endpoints: ["rest://10.0.0.2:80"] });
      start({ app: "billing", service: "Cart", allowCrossApp: true });
      await clock.advance(2_000);
      const store = start({ otherApps: ["shop"], ...(service === undefined ? {} : { service }) });
      await clock.advance(2_000);
      assertEquals(await store.cache.lookup("cart.shop"), {
        kind: "service",
        service: "Cart.shop",
      });
      assertEquals(store.endpoints("Cart.shop"), ["10.0.0.1:80"]);
      for (const name of ["Cart", "Secret.shop", "Cart.billing"]) {
        assertEquals([name, (await store.cache.lookup(name)).kind], [name, "unknown"]);
      }
    } finally {
      for (const one of started) {
        const ended = one[Symbol.asyncDispose]();
        await clock.advance(10_000);
        await ended;
      }
      await faulty.stop();
    }
  });
}
