/** What would become of a request: walks the way of a real one up to the pick, sends nothing and moves no counter. */
import { failureTable, MeshError } from "../../core/errors.ts";
import type { RetryPolicy } from "../../core/traffic.ts";
import type { ExplainQuestion, Explanation } from "../../plane/observe.ts";
import { ascii } from "../http1/bytes.ts";
import { decideFault } from "../routing/fault.ts";
import { Client } from "./client.ts";
import type { DataContext } from "./context.ts";
import type { Route } from "./directory.ts";
import { noEndpoint } from "./exchange.ts";
import { candidatesOf } from "./explain_candidates.ts";
import { fillPlan, findDestination, readAgain } from "./outbound.ts";
import type { RequestPlan } from "./plan.ts";
import { PaperSocket } from "./paper_socket.ts";
import type { CompiledLimit } from "./rate_limits.ts";
import { aboutRequest, applyRules, inheritDeadline, usedUp } from "./rules.ts";

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

  /** Remembers where the request is about to go. */
  note({ cluster, rule }: RequestPlan): void {
    this.found = {
      service: cluster.service,
      policy: cluster.policy,
      ...(rule === "" ? {} : { route: rule }),
    };
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
  if (client.tryHead() !== "head") {
    throw new MeshError("request_malformed", "this is no whole request head");
  }
  client.exchange.begin(client);
  const { plan } = client.exchange;
  const known = await findRoute(client, walk);
  fillPlan(client, known.destination, known.route);
  walk.note(plan);
  const ruled = known.isTunnel ? "go" : await followRules(client, { known, walk });
  if (ruled === "redirect") return { ...walk.found, steps: walk.steps, candidates: [] };
  if (!known.isTunnel) {
    inheritDeadline(client);
    describeGate(client, walk);
    describeFault(client, walk);
  }
  return pickOne(client, walk);
}

interface Located {
  readonly destination: ReturnType<typeof findDestination>;
  readonly route: Known;
  readonly isTunnel: boolean;
}

/** Errors: MeshError, where the request would end in one. */
async function findRoute(client: Client, walk: Walk): Promise<Located> {
  const { context } = client;
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
  const isTunnel = context.request.isConnect;
  if (isTunnel) walk.add("tunnel", "plain HTTP in it is looked at request by request; else:");
  return { destination, route, isTunnel };
}

/** Errors: MeshError, where the request would end in one. */
async function followRules(
  client: Client,
  { known: { destination, route }, walk }: { readonly known: Located; readonly walk: Walk },
): Promise<"go" | "redirect"> {
  if (route.kind !== "cluster" || route.rules === undefined) return "go";
  const { context } = client;
  const { limits, routeLimits, router } = route.rules;
  for (
    const { route: { name }, fits } of router?.trace(aboutRequest(client), context.random) ?? []
  ) {
    walk.add("rule", `"${name}" ${fits ? "fits" : "does not fit"}`);
  }
  const { service } = route.cluster;
  describeLimits(client, { limits, service, walk });
  let ruled = applyRules(client, route.rules, { again: true, look: true });
  if (ruled.kind === "ask") {
    walk.add("rule", `it sends to "${ruled.service}", which was not called before: asking control`);
    await context.directory.ask(ruled.service);
    readAgain(client);
    fillPlan(client, destination, route);
    ruled = applyRules(client, route.rules, { again: true, look: true });
  }
  if (ruled.kind === "ask") {
    throw new MeshError("registry_unavailable", `the answers on "${ruled.service}" do not hold`);
  }
  walk.note(client.exchange.plan);
  const { group, passedOver } = client.exchange.plan;
  if (passedOver !== "" && group.size > 0) {
    walk.add("rule", `passed over, having no endpoint: ${passedOver}`);
  }
  const applied = router?.routes.find(({ name }) => name === client.exchange.plan.rule);
  if (applied !== undefined) {
    describeLimits(client, { limits: routeLimits[applied.index]!, service, walk });
  }
  if (ruled.kind === "redirect") walk.add("end", "the rule redirects; nothing is sent");
  return ruled.kind;
}

/** Whether each limit has room now, without taking any. Errors: MeshError rate_limited. */
function describeLimits(
  client: Client,
  { limits, service, walk }: {
    readonly limits: readonly CompiledLimit[];
    readonly service: string;
    readonly walk: Walk;
  },
): void {
  if (limits.length === 0) return;
  const { context } = client;
  const facts = aboutRequest(client);
  for (const limit of limits) {
    if (!limit.isFor(facts, context.random)) {
      walk.add("limits", `"${limit.name}" is not for it`);
      continue;
    }
    const waitMs = limit.look(facts, context.net.now());
    if (waitMs > 0) {
      walk.add("limits", `"${limit.name}" is used up: room for one in ${waitMs} ms`);
      throw usedUp(limit, { service, waitMs });
    }
    walk.add("limits", `"${limit.name}" has room`);
  }
}

function headOf({ headers, method, url }: ExplainQuestion): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const named = headers.some(([name]) => name.toLowerCase() === "host");
  const host = /^https?:\/\/([^/?#]*)/i.exec(url)?.[1] ?? "";
  const target = method === "CONNECT" ? host : url;
  return `${method} ${target} HTTP/1.1\r\n${named ? "" : `Host: ${host}\r\n`}${lines}\r\n`;
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

/** Errors: MeshError circuit_open, concurrency_limit. */
function describeGate({ exchange: { plan } }: Client, walk: Walk): void {
  const { gate } = plan.cluster;
  const { circuit, limit, open } = gate.describe();
  if (circuit !== "closed") walk.add("circuit", circuit);
  walk.add("limit", limit === 0 ? `${open} under way, no limit` : `${open} of ${limit} under way`);
  const outlook = gate.outlook();
  if (outlook instanceof MeshError) throw outlook;
  if (outlook === "line") walk.add("limit", "it waits for its turn");
}

/** Errors: MeshError fault_injected. */
function describeFault({ context, exchange: { plan } }: Client, walk: Walk): void {
  const fault = plan.injected ?? decideFault(plan.fault, context.random);
  if (fault === undefined) return;
  if (fault.delayMs > 0) walk.add("fault", `a rule delays it by ${fault.delayMs} ms`);
  if (fault.abortStatus > 0) {
    throw new MeshError("fault_injected", "a rule asks for this failure", {
      status: fault.abortStatus,
    });
  }
}

/** Errors: MeshError no_endpoint. */
function pickOne({ context, exchange: { idempotent, plan } }: Client, walk: Walk): Explanation {
  const { cluster, group } = plan;
  const nowMs = context.net.now();
  walk.candidates = candidatesOf({ cluster, group, nowMs });
  if (group.panic) {
    walk.add("panic", "too many endpoints are ejected: all that can be reached are balanced over");
  }
  const request = { ...context.pickAny(), hash: plan.hash, stickyId: plan.stickyId };
  const picked = group.peek(request);
  if (picked === undefined) throw noEndpoint(plan);
  const { kind } = cluster.policy.balance;
  const { length } = group.explain(nowMs).usable;
  walk.add("pick", `${picked.key} by ${kind}, of ${length} that may be picked`);
  walk.add("on failure", retryWords(plan.retry, { idempotent }));
  return {
    ...walk.found,
    steps: walk.steps,
    candidates: walk.candidates,
    pick: picked.key,
  };
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
