/** What answers on the admin address: little for probes and scrapers, all the rest loaded when somebody asks for it. */
import { createProbes } from "../control/api/probes.ts";
import { probesView } from "./views/probes_view.ts";
import type { Sidecar } from "./sidecar.ts";

type Answer = (request: Request) => Response | Promise<Response>;

/**
 * Shape: the API, its checks and the page take several MiB of memory; a sidecar that nobody looks at does without.
 */
export function adminServer(sidecar: Sidecar): Answer {
  const probes = createProbes(probesView(sidecar));
  let whole: Promise<Answer> | undefined;
  return async (request) => {
    const probed = probes(request);
    if (probed !== undefined) return probed;
    whole ??= load(sidecar);
    return await (await whole)(request);
  };
}

async function load(sidecar: Sidecar): Promise<Answer> {
  const [{ createAdmin }, { adminView }] = await Promise.all([
    import("../control/api/admin.ts"),
    import("./views.ts"),
  ]);
  return createAdmin(adminView(sidecar)).fetch;
}
