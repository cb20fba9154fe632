/** How the sidecar itself is: status, connections, leases, configuration, snapshots. */
import * as z from "zod";
import { json, type Route, route } from "./route.ts";
import {
  configuration,
  configurationSources,
  connections,
  lease,
  snapshots,
  status,
} from "./shapes/state.ts";
import type { AdminView } from "./view.ts";

const tag = "sidecar";

export function stateRoutes(view: AdminView): readonly Route[] {
  return [
    route({
      method: "get",
      path: "/status",
      tag,
      summary: "The sidecar in one answer: addresses, registry, application, registration.",
      answers: { 200: { description: "The status.", schema: status } },
      answer: () => json(view.status()),
    }),
    route({
      method: "get",
      path: "/connections",
      tag,
      summary: "Connections and requests under way.",
      answers: { 200: { description: "The numbers.", schema: connections } },
      answer: () => json(view.connections()),
    }),
    route({
      method: "get",
      path: "/leases",
      tag,
      summary: "What this sidecar has registered, and how its lease is.",
      answers: {
        200: { description: "Empty for a consumer without a name.", schema: z.array(lease) },
      },
      answer: () => json(view.leases()),
    }),
    route({
      method: "get",
      path: "/config",
      tag,
      summary: "The effective configuration, secrets masked.",
      answers: { 200: { description: "As the file would say it.", schema: configuration } },
      answer: () => json(view.configuration()),
    }),
    route({
      method: "get",
      path: "/config/sources",
      tag,
      summary: "What set each key of the configuration.",
      answers: { 200: { description: "Key by key.", schema: configurationSources } },
      answer: () => json(view.configurationSources()),
    }),
    route({
      method: "get",
      path: "/snapshots",
      tag,
      summary: "What is known, since when, and what the data threads have of it.",
      answers: { 200: { description: "Disk, policy, services.", schema: snapshots } },
      answer: () => json(view.snapshots()),
    }),
  ];
}
