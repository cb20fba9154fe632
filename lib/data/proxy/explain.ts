/** What would become of a request: walks the way of a real one up to the pick, sends nothing and moves no counter. */
import { failureTable, MeshError } from "../../core/errors.ts";
import type { RetryPolicy } from "../../core/traffic.ts";
import type { ExplainQuestion, Explanation } from "../../plane/observe.ts";
import type { EndpointState } from "../cluster/endpoint.ts";
import { ascii } from "../http1/bytes.ts";
import { Client } from "./client.ts";
import type { DataContext } from "./context.ts";
import type { Route } from "./directory.ts";
import { fillPlan, findDestination, readAgain } from "./outbound.ts";
import { PaperSocket } from "./paper_socket.ts";
import { aboutRequest, applyRules, inheritDeadline } from "./rules.ts";
import type { Upstream } from "./upstream.ts";

type Known = Exclude<Route, { kind: "failed" }>;

/** Errors: none; a request that cannot be made sense of is a failure like any other. */
export async function explain(
  context: DataContext,
  question: ExplainQuestion,
): Promise<Explanation> {
  const walk = new Walk();
  try {
    return await follow(context, question, walk);
  } catch (error) {
    const failure = error instanceof MeshError
      ? error
      : new MeshError("internal", error instanceof Error ? error.message : String(error));
    const { status, title } = failureTable[failure.code];
    walk.add("end", `answered with ${failure.status || status}, ${title}: ${failure.message}`);
    return {
      ...walk.found,
      steps: walk.steps,
      candidates: walk.candidates,
      failure: { code: failure.code, detail: failure.message },
    };
  }
}

/** What was found out so far; it stays when the way ends early. */
class Walk {
  readonly steps: { step: string; result: string }[] = [];
  candidates: Explanation["candidates"] = [];
  found: Pick<Explanation, "service" | "route" | "policy"> = {};

  add(step: string, result: string): void {
    this.steps.push({ step, result });
  }
}

/** Errors: MeshError, where the request would end in one. */
async function follow(
  context: DataContext,
  question: ExplainQuestion,
  walk: Walk,
): Promise<Explanation> {
  const client = new Client(context, new PaperSocket(ascii(headOf(question))), "outbound");
  try {
    return await walkAlong(client, walk);
  } finally {
    client.exchange.finish(client);
  }
}

/** Errors: MeshError, where the request would end in one. */
async function walkAlong(client: Client, walk: Walk): Promise<Explanation> {
  const { context } = client;
  if (client.tryHead() !== "head") {
    throw new MeshError("request_malformed", "this is no whole request head");
  }
  client.exchange.begin(client);
  const { plan } = client.exchange;
  let destination = findDestination(client, context.request);
  let route = context.directory.known(destination.authority);
  if (route === undefined) {
    walk.add("name", `"${destination.authority.host}" was not called before: asking control`);
    await context.directory.ask(destination.authority.host);
    readAgain(client);
    destination = findDestination(client, context.request);
    route = context.directory.known(destination.authority);
  }
  const { host, port } = destination.authority;
  if (route === undefined) throw new MeshError("registry_unavailable", `no answer on "${host}"`);
  if (route.kind === "failed") throw route.error;
  describeName(walk, { host, port, route });
  fillPlan(client, destination, route);
  inheritDeadline(client);
  if (route.kind === "cluster" && route.rules !== undefined) {
    const traced = route.rules.router?.trace(aboutRequest(client), context.random) ?? [];
    for (const { route: { name }, fits } of traced) {
      walk.add("rule", `"${name}" ${fits ? "fits" : "does not fit"}`);
    }
    if (route.rules.limits.length > 0) {
      walk.add("limits", `taken from: ${route.rules.limits.map(({ name }) => name).join(", ")}`);
    }
    const ruled = applyRules(client, route.rules, { again: true, look: true });
    if (ruled.kind === "redirect") {
      walk.add("end", "the rule redirects; nothing is sent");
      return { ...walk.found, route: plan.rule, steps: walk.steps, candidates: [] };
    }
    if (ruled.kind === "ask") {
      walk.add("rule", `it sends to "${ruled.service}", which was not called before`);
    }
  }
  walk.found = {
    service: plan.cluster.service,
    policy: plan.cluster.policy,
    ...(plan.rule === "" ? {} : { route: plan.rule }),
  };
  describeGate(client, walk);
  return pickOne(client, walk);
}

function headOf({ headers, method, url }: ExplainQuestion): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const named = headers.some(([name]) => name.toLowerCase() === "host");
  const host = /^https?:\/\/([^/?#]*)/i.exec(url)?.[1] ?? "";
  return `${method} ${url} HTTP/1.1\r\n${named ? "" : `Host: ${host}\r\n`}${lines}\r\n`;
}

function describeName(
  walk: Walk,
  { host, port, route }: { host: string; port: number; route: Known },
): void {
  const { service } = route.cluster;
  if (route.kind === "outside") {
    walk.add("name", `${host} is no service: passed through to port ${port || 80}`);
  } else if (service !== host) {
    walk.add("name", `${host} is the service ${service}, found without regard to case`);
  } else walk.add("name", `${host} is a service`);
}

function describeGate({ exchange: { plan } }: Client, walk: Walk): void {
  const { circuit, limit, open } = plan.cluster.gate.describe();
  if (circuit !== "closed") walk.add("circuit", circuit);
  walk.add("limit", limit === 0 ? `${open} under way, no limit` : `${open} of ${limit} under way`);
}

/** Errors: MeshError no_endpoint. */
function pickOne({ context, exchange: { idempotent, plan } }: Client, walk: Walk): Explanation {
  const { cluster, group } = plan;
  const nowMs = context.net.now();
  const { tiers, usable } = group.explain(nowMs);
  const { slowStartMs } = cluster.policy.balance;
  walk.candidates = cluster.endpoints.map((endpoint) => ({
    endpoint: endpoint.key,
    instanceId: endpoint.snapshot.instanceId,
    state: endpoint.state(nowMs, slowStartMs),
    ...excludedBecause(endpoint, { usable, members: group.members, nowMs, subset: group.subset }),
    ...shareOf(endpoint, { usable, tiers }),
  }));
  if (group.panic) {
    walk.add("panic", "too many endpoints are ejected: all that can be reached are balanced over");
  }
  const request = { ...context.pickAny(), hash: plan.hash, stickyId: plan.stickyId };
  const picked = group.peek(request);
  if (picked === undefined) {
    const why = cluster.unusable.length > 0 ? `: ${cluster.unusable.slice(0, 5).join(", ")}` : "";
    throw new MeshError("no_endpoint", `${cluster.service} has no endpoint that can be used${why}`);
  }
  const { kind } = cluster.policy.balance;
  walk.add("pick", `${picked.key} by ${kind}, of ${usable.length} that may be picked`);
  walk.add("on failure", retryWords(plan.retry, { idempotent }));
  return {
    ...walk.found,
    steps: walk.steps,
    candidates: walk.candidates,
    pick: picked.key,
  };
}

function excludedBecause(
  endpoint: EndpointState<Upstream>,
  { members, nowMs, subset, usable }: {
    readonly members: readonly EndpointState<Upstream>[];
    readonly usable: readonly EndpointState<Upstream>[];
    readonly nowMs: number;
    readonly subset: string;
  },
): { readonly excluded?: string } {
  if (!members.includes(endpoint)) return { excluded: `it is not in the subset ${subset}` };
  if (usable.includes(endpoint)) return {};
  const endsInMs = endpoint.stateEndsAtMs(nowMs) - nowMs;
  const until = endsInMs > 0 ? `, for another ${(endsInMs / 1000).toFixed(1)} s` : "";
  return { excluded: `${endpoint.reason(nowMs).replaceAll("_", " ")}${until}` };
}

function shareOf(
  endpoint: EndpointState<Upstream>,
  { tiers, usable }: {
    readonly tiers: readonly {
      readonly share: number;
      readonly members: readonly EndpointState<Upstream>[];
    }[];
    readonly usable: readonly EndpointState<Upstream>[];
  },
): { readonly share?: number } {
  if (!usable.includes(endpoint)) return {};
  const tier = tiers.find(({ members }) => members.includes(endpoint)) ??
    { share: 1, members: usable };
  const weight = tier.members.reduce((sum, each) => sum + each.weight, 0);
  return { share: tier.share * endpoint.weight / weight };
}

function retryWords(retry: RetryPolicy, { idempotent }: { readonly idempotent: boolean }): string {
  if (retry.maxAttempts < 2) return "it is not tried again";
  const when = idempotent
    ? "it is tried again at another endpoint"
    : "it is tried again only if no byte of it was sent";
  const statuses = idempotent && retry.statuses.length > 0
    ? `, also after ${retry.statuses.join(", ")}`
    : "";
  return `${when}${statuses}, ${retry.maxAttempts} attempts in all, within the retry budget`;
}
