/** The paths that probes and scrapers ask, without a router: they want little and come for ever. */
import { guarded, refusalOf } from "./guard.ts";
import type { AdminView } from "./view.ts";

/** What they have to know of the sidecar. */
export type ProbesView = Pick<
  AdminView,
  "token" | "host" | "hostName" | "readiness" | "metrics"
>;

/** One path. */
export interface Probe {
  /** Asked for without the token. */
  readonly open: boolean;
  readonly answer: (request: Request) => Response;
}

export type ProbePath = "/healthz" | "/readyz" | "/metrics";

export function probesOf(view: ProbesView): Readonly<Record<ProbePath, Probe>> {
  return {
    "/healthz": {
      open: true,
      answer: () => new Response("ok\n", { headers: { "content-type": "text/plain" } }),
    },
    "/readyz": {
      open: true,
      answer: () => {
        const state = view.readiness();
        return Response.json(state, { status: state.ready ? 200 : 503 });
      },
    },
    "/metrics": {
      open: false,
      answer: (request) => {
        const { type, text } = view.metrics(request.headers.get("accept") ?? undefined);
        return new Response(text, { headers: { "content-type": type, vary: "accept" } });
      },
    },
  };
}

/** Shape: answers GET of these paths, under the same rules as the whole API; undefined for everything else. */
export function createProbes(view: ProbesView): (request: Request) => Response | undefined {
  const probes = new Map<string, Probe>(Object.entries(probesOf(view)));
  return (request) => {
    if (request.method !== "GET") return undefined;
    const path = new URL(request.url).pathname;
    const probe = probes.get(path);
    if (probe === undefined) return undefined;
    const refusal = refusalOf({ request, path }, {
      token: () => view.token,
      host: view.host,
      hostName: view.hostName,
      open: () => probe.open,
    });
    return guarded(refusal ?? probe.answer(request));
  };
}
