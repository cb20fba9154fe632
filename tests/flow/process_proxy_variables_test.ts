/** A sidecar's own calls do not go through the proxy that its environment names; its application's may. */
import { assertEquals } from "@test/assert";
import { until } from "../support/process.ts";
import { adminGet, startRegistry, startSidecar } from "../support/process_mesher.ts";
import { processStory } from "../support/process_story.ts";

processStory("proxy variables, the sidecar asks its registry directly", async (lab) => {
  const registry = await startRegistry(lab);
  const sidecar = await startSidecar(lab, {
    // Nobody listens there: whatever went through it would fail.
    variables: { http_proxy: "http://127.0.0.1:1", HTTP_PROXY: "http://127.0.0.1:1" },
    env: { REGISTRY: registry.url },
  });
  const ready = await until(
    async () => (await adminGet(sidecar, "/readyz")).status === 200 ? true : undefined,
    "the registry to answer",
  );
  assertEquals(ready, true);
});

processStory(
  "proxy variables, those for other schemes reach the application of run",
  async (lab) => {
    const registry = await startRegistry(lab);
    const script =
      `console.log(Deno.env.get("https_proxy"), Deno.env.get("http_proxy") !== undefined)`;
    const sidecar = await startSidecar(lab, {
      variables: { https_proxy: "http://proxy.example:3128" },
      env: { REGISTRY: registry.url },
      app: [Deno.execPath(), "eval", script],
    });
    assertEquals(await sidecar.process.exited(), 0);
    const said = await sidecar.process.output();
    assertEquals(said.includes("http://proxy.example:3128 true"), true, said);
  },
);
