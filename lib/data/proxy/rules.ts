/** What a policy asks of single requests beside picking and trying again: limits, routes, sessions. */
import { joined } from "../../core/bytes.ts";
import { MeshError } from "../../core/errors.ts";
import type { RetryPolicy, ServicePolicy } from "../../core/traffic.ts";
import { hashText } from "../../core/hash.ts";
import {
  newStickyId,
  readStickyId,
  stickyIdBytes,
  stickySetCookie,
} from "../balance/sticky_cookie.ts";
import { ascii, latin1 } from "../http1/bytes.ts";
import { kind } from "../http1/fields.ts";
import { parseDeadline } from "../resilience/deadline.ts";
import { trafficKey } from "../routing/facts.ts";
import type { Route } from "../routing/route.ts";
import { compileRoutes, type Router } from "../routing/router.ts";
import { aim, mirrorOf, retryElsewhere } from "./aim.ts";
import type { Client } from "./client.ts";
import { CompiledLimit, type LimitMemory } from "./rate_limits.ts";

/** A service's policy in the form in which requests meet it. */
export interface Rules {
  readonly limits: readonly CompiledLimit[];
  readonly router: Router | undefined;
  /** By index of the rule. */
  readonly routeLimits: readonly (readonly CompiledLimit[])[];
  readonly routeRetry: readonly (RetryPolicy | undefined)[];
  /** By index of the rule: the same on top of policies of other services, worked out when first needed. */
  readonly elsewhereRetry: readonly WeakMap<ServicePolicy, RetryPolicy>[];
}

/** Shape: undefined when requests have nothing to meet. Errors: PolicyError. */
export function compileRules(
  policy: ServicePolicy,
  { block, memory }: { readonly block: number; readonly memory: LimitMemory },
): Rules | undefined {
  const { balance, rateLimits } = policy;
  const router = compileRoutes(policy.routes);
  const byRequest = balance.kind === "sticky" || balance.kind === "consistent_hash";
  if (router === undefined && rateLimits.length === 0 && !byRequest) return undefined;
  let index = 0;
  const compile = (limits: ServicePolicy["rateLimits"]) =>
    limits.map((limit) => new CompiledLimit(limit, memory, { block, index: index++ }));
  const routes = router?.routes ?? [];
  return {
    limits: compile(rateLimits),
    router,
    routeLimits: routes.map((route) => compile(route.rateLimits)),
    routeRetry: routes.map(({ retry }) =>
      retry === undefined ? undefined : { ...policy.retry, ...retry }
    ),
    elsewhereRetry: routes.map(() => new WeakMap()),
  };
}

/** What a rule made of the request: it goes on, it was answered, or a service has to be asked for first. */
export type Ruled =
  | { readonly kind: "go" }
  | {
    readonly kind: "redirect";
    readonly answer: Uint8Array<ArrayBuffer>;
    readonly status: number;
  }
  | { readonly kind: "ask"; readonly service: string };

const go: Ruled = { kind: "go" };

/** The time that the caller has left is no less ours. Shape: of the head that was just parsed. */
export function inheritDeadline({ context, exchange: { plan }, inbox }: Client): void {
  const { fields } = context.request;
  const index = fields.find(kind.deadline);
  if (index < 0) return;
  const text = latin1(inbox.bytes, fields.valueFrom(index), fields.valueTo(index));
  const leftMs = parseDeadline(text);
  if (leftMs !== undefined) plan.responseMs = Math.min(plan.responseMs, Math.max(1, leftMs));
}

/**
 * Applies rules to the request whose head was just parsed and whose plan is filled in.
 *
 * Shape: `again` after what it asked for is there: limits are not taken from twice. `look`: no turn is taken. Errors: MeshError rate_limited.
 */
export function applyRules(
  client: Client,
  rules: Rules,
  { again, look = false }: { readonly again: boolean; readonly look?: boolean },
): Ruled {
  const { context, exchange: { plan } } = client;
  const facts = aboutRequest(client);
  if (!again) takeFrom(client, rules.limits);
  const decision = look
    ? rules.router?.look(facts, context.random)
    : rules.router?.decide(facts, context.random);
  if (decision !== undefined) {
    const { route, target, mirror } = decision;
    if (!again) takeFrom(client, rules.routeLimits[route.index]!);
    plan.rule = route.name;
    if (route.redirect !== undefined) return redirect(client, route.redirect);
    const called = plan.cluster;
    const ask = target === undefined ? undefined : aim(client, rules, { decision, moves: !look });
    if (ask !== undefined) return { kind: "ask", service: ask };
    rewrite(client, route);
    if (route.retry !== undefined) {
      plan.retry = plan.cluster === called
        ? rules.routeRetry[route.index]!
        : retryElsewhere(plan.cluster, rules.elsewhereRetry[route.index]!, route.retry);
    }
    if (route.timeoutMs !== undefined) plan.responseMs = route.timeoutMs;
    plan.injected = decision.fault;
    if (mirror !== undefined) plan.mirror = mirrorOf(client, mirror);
  }
  // Of the service that is to have it, which a rule may have changed.
  const { hashOn, kind } = plan.cluster.policy.balance;
  if (kind === "consistent_hash") {
    const key = trafficKey(facts, hashOn);
    if (key !== undefined) plan.hash = hashText(key);
  } else if (kind === "sticky") joinSession(client);
  return go;
}

/** Facts about the head that was just parsed. */
export function aboutRequest({ context, exchange: { plan }, inbox, role, socket }: Client) {
  return context.facts.about(inbox.bytes, {
    path: { from: plan.pathFrom, to: plan.pathTo },
    source: socket.remoteHost,
    service: role === "outbound" ? context.policy.service ?? "" : undefined,
  });
}

/** Errors: MeshError rate_limited. */
function takeFrom(client: Client, limits: readonly CompiledLimit[]): void {
  if (limits.length === 0) return;
  const { context, exchange: { plan } } = client;
  const at = { nowMs: context.net.now(), random: context.random };
  for (const limit of limits) {
    const waitMs = limit.take(context.facts, at);
    if (waitMs > 0) throw usedUp(limit, { service: plan.cluster.service, waitMs });
  }
}

/** Shape: what a request ends in that comes `waitMs` too early. */
export function usedUp(
  { name }: CompiledLimit,
  { service, waitMs }: { readonly service: string; readonly waitMs: number },
): MeshError {
  return new MeshError("rate_limited", `the rate limit "${name}" of ${service} is used up`, {
    retryAfterMs: waitMs,
  });
}

function rewrite(client: Client, { path, requestHeaders, responseHeaders }: Route): void {
  const { exchange: { plan } } = client;
  if (path !== undefined) plan.pathText = path(target(client));
  if (requestHeaders !== undefined) {
    plan.requestDrops = requestHeaders.dropNames;
    plan.requestLines = requestHeaders.lines;
  }
  if (responseHeaders !== undefined) {
    plan.responseDrops = responseHeaders.dropNames;
    plan.responseLines = responseHeaders.lines;
  }
}

function target({ exchange: { plan }, inbox }: Client): string {
  return latin1(inbox.bytes, plan.pathFrom, plan.pathTo);
}

function redirect(client: Client, to: NonNullable<Route["redirect"]>): Ruled {
  if (client.exchange.bodyPending) client.keepAlive = false;
  client.closeIfDraining();
  const { connectionField } = client;
  const connection = connectionField === "none" ? "" : `Connection: ${connectionField}\r\n`;
  const answer = ascii(
    `HTTP/1.1 ${to.status} Redirect\r\nLocation: ${to.location(target(client))}\r\n` +
      `Content-Length: 0\r\n${connection}\r\n`,
  );
  return { kind: "redirect", answer, status: to.status };
}

/** The session of the request's cookie; one without gets a new one, and its answer the cookie. */
function joinSession({ context, exchange: { plan } }: Client): void {
  const cookies = context.facts.header("cookie");
  plan.stickyId = cookies === undefined ? "" : readStickyId(cookies);
  if (plan.stickyId !== "") return;
  const bytes = Uint8Array.from({ length: stickyIdBytes }, () => context.random() * 256);
  plan.stickyId = newStickyId(bytes);
  const line = ascii(`Set-Cookie: ${stickySetCookie(plan.stickyId)}\r\n`);
  plan.responseLines = plan.responseLines === undefined ? line : joined([plan.responseLines, line]);
}

/** Limits calls to the own application. Shape: those of its health checks go free, also of faults. Errors: MeshError rate_limited. */
export function protect(client: Client): void {
  const { context, exchange: { plan } } = client;
  const { inboundRules, policy } = context;
  if (policy.healthPaths.length > 0 && policy.healthPaths.includes(aboutRequest(client).path)) {
    plan.free = true;
    plan.fault = undefined;
    return;
  }
  if (inboundRules === undefined) return;
  aboutRequest(client);
  takeFrom(client, inboundRules.limits);
}
