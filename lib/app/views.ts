/** What the admin API shows of a running sidecar and does to it. */
import { toPublicForm } from "../config/print.ts";
import { formatSource } from "../config/problem.ts";
import { createPolicies } from "../control/api/policies.ts";
import type { AdminView } from "../control/api/view.ts";
import { version } from "./build_info.ts";
import { policiesView } from "./policies_view.ts";
import type { Sidecar } from "./sidecar.ts";
import { failures, history } from "./views/events_view.ts";
import { probesView } from "./views/probes_view.ts";
import { examiner, explain } from "./views/questions_view.ts";
import { endpoints, rules, service, services } from "./views/services_view.ts";
import { connections, leases, snapshots, status } from "./views/state_view.ts";

export function adminView(sidecar: Sidecar): AdminView {
  return {
    ...probesView(sidecar),
    get token() {
      return sidecar.config.adminToken;
    },
    version,
    live: sidecar.insight.live,
    policies: createPolicies(policiesView(sidecar)),
    status: () => status(sidecar),
    services: () => services(sidecar),
    service: (name) => service(sidecar, name),
    endpoints: () => endpoints(sidecar),
    rules: () => rules(sidecar),
    connections: () => connections(sidecar),
    leases: () => leases(sidecar),
    configuration: () => toPublicForm(sidecar.config),
    configurationSources: () => ({
      sources: Object.fromEntries(
        Object.entries(sidecar.overrides.sources).map(([path, source]) => [
          path,
          formatSource(source),
        ]),
      ),
      refusedReloads: sidecar.refusedReloads,
    }),
    snapshots: () => snapshots(sidecar),
    failures: (query) => failures(sidecar, query),
    history: (query) => history(sidecar, query),
    logLevel: () => sidecar.logLevel,
    setLogLevel: (level) => sidecar.setLogLevel(level),
    drain: () => void sidecar.drainInbound(),
    reload: () => sidecar.reload(),
    explain: (question) => explain(sidecar, question),
    doctor: examiner(sidecar),
    tap: (query, signal) => sidecar.insight.observers.tap(query, signal),
  };
}
