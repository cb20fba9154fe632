/** The consumer side: a request of the own application, to a service of the mesh or to a host outside. */
import { MeshError } from "../../core/errors.ts";
import { ascii, isHostText, matchesAt } from "../http1/bytes.ts";
import { kind } from "../http1/fields.ts";
import type { RequestHead } from "../http1/request_head.ts";
import type { Authority } from "../routing/authority.ts";
import type { Client } from "./client.ts";
import { connect } from "./connect.ts";
import type { Route } from "./directory.ts";
import { exchange } from "./exchange.ts";
import { answerItself, answerOptions, endsHere, isStar } from "./last_hop.ts";
import { beginTrail } from "./trail.ts";
import { applyRules, inheritDeadline } from "./rules.ts";

/** Where a request line points: whose it is, and which range is path and query. */
interface Destination {
  readonly authority: Authority<Route>;
  readonly path: { readonly from: number; readonly to: number };
  /** True when the target names the authority itself, which then overrules the Host field. */
  readonly absolute: boolean;
}

/** How often one request asks who its destination is; a service may vanish just after it was named. */
const maxQuestions = 3;

/**
 * Serves the request whose head was just parsed.
 *
 * Errors: MeshError, thrown or as a rejection. Cost: waits by itself only for names that are not known yet.
 */
export function outbound(client: Client): Promise<void> {
  const { request } = client.context;
  client.exchange.begin(client);
  const { bytes } = client.inbox;
  if (
    (isStar(bytes, request) && client.tunnelled === undefined) || endsHere(bytes, request)
  ) {
    client.exchange.routed(client, { block: 0, service: "" });
    return answerOptions(client);
  }
  return route(client, { questions: 0, ruled: false });
}

interface Asked {
  /** How often control was asked for this request. */
  readonly questions: number;
  /** Rules were applied before; one of them named a service that had to be asked for. */
  readonly ruled: boolean;
}

function route(client: Client, asked: Asked): Promise<void> {
  const { context, exchange: state } = client;
  const head = context.request;
  const destination = findDestination(client, head);
  const { authority, path } = destination;
  if (context.observer.active && state.trail === undefined && state.trace === undefined) {
    beginTrail(client, { authority: authority.text, path });
  }
  const known = context.directory.known(authority);
  if (known === undefined) return ask(client, authority.host, asked);
  if (head.isConnect) return connect(client, { authority, route: known });
  if (known.kind === "failed") {
    state.routed(client, { block: 0, service: "" });
    throw known.error;
  }
  state.routed(client, known.cluster);
  fillPlan(client, destination, known);
  if (known.kind === "cluster" && known.rules !== undefined) {
    const ruled = applyRules(client, known.rules, { again: asked.ruled });
    if (ruled.kind === "redirect") return answerItself(client, ruled.answer, ruled.status);
    if (ruled.kind === "ask") return ask(client, ruled.service, { ...asked, ruled: true });
  }
  // A rule may have said another time; the caller's holds above all.
  inheritDeadline(client);
  return exchange(client);
}

/** Asks control who a name is and goes on with the answer. */
async function ask(client: Client, name: string, { questions, ruled }: Asked): Promise<void> {
  if (questions >= maxQuestions) {
    throw new MeshError("registry_unavailable", `the answers on "${name}" do not hold`);
  }
  await client.context.directory.ask(name);
  readAgain(client);
  await route(client, { questions: questions + 1, ruled });
}

/**
 * Reads the head again after a wait: others have used the thread's parse result meanwhile.
 *
 * Shape: to be called, not awaited, by whoever goes on with the result. Errors: MeshError client_gone.
 */
export function readAgain(client: Client): void {
  if (client.gone() || client.tryHead() !== "head") {
    throw new MeshError("client_gone", "the client went away before its answer");
  }
}

export function fillPlan(
  client: Client,
  { absolute, authority, path }: Destination,
  route: Exclude<Route, { kind: "failed" }>,
): void {
  const { context, exchange: { plan } } = client;
  const isService = route.kind === "cluster";
  plan.begin(route.cluster, isService ? "service" : "outside");
  plan.pathFrom = path.from;
  plan.pathTo = path.to;
  plan.fields = isService ? context.plans.toService : context.plans.toOutside;
  plan.host = absolute ? hostToWrite(client, authority.text) : "";
  plan.forwardedPort = authority.port;
}

/**
 * Empty when the caller's own Host line says the same and can stay where it stands.
 *
 * Errors: MeshError destination_invalid for a Host that is none, although the target overrules it: whoever wrote it
 * means something that others may read otherwise. Source: RFC 9112 section 3.2.
 */
function hostToWrite(client: Client, authority: string): string {
  const { inbox } = client;
  const { fields } = client.context.request;
  const index = fields.find(kind.host);
  if (index < 0) return authority;
  const from = fields.valueFrom(index), to = fields.valueTo(index);
  if (isText(inbox.bytes, { from, to }, authority)) return "";
  if (!isHostText(inbox.bytes, from, to)) throw invalid("a Host field that is no host");
  return authority;
}

function isText(
  bytes: Uint8Array,
  { from, to }: { readonly from: number; readonly to: number },
  text: string,
): boolean {
  if (to - from !== text.length) return false;
  for (let at = 0; at < text.length; at++) {
    if (bytes[from + at] !== text.charCodeAt(at)) return false;
  }
  return true;
}

/** Source: RFC 9112 section 3.2 for the four forms of a request target. Errors: MeshError destination_invalid. */
export function findDestination(client: Client, head: RequestHead): Destination {
  const { inbox } = client;
  const { bytes } = inbox;
  const { targetFrom, targetTo } = head;
  if (head.isConnect) {
    if (head.bodyLength !== 0) throw new MeshError("request_malformed", "a CONNECT with a body");
    const authority = lookUp(client, targetFrom, targetTo);
    if (authority.port === 0) throw invalid("a CONNECT target without a port");
    return { authority, path: { from: targetTo, to: targetTo }, absolute: true };
  }
  for (let at = targetFrom; at < targetTo; at++) {
    if (bytes[at] === 35) throw new MeshError("request_malformed", "a fragment in the target");
  }
  if (bytes[targetFrom] === 47 || isStar(bytes, head)) {
    return {
      authority: originAuthority(client, head),
      path: { from: targetFrom, to: targetTo },
      absolute: false,
    };
  }
  if (!matchesAt(bytes, targetFrom, "http://")) {
    throw invalid(
      matchesAt(bytes, targetFrom, "https://")
        ? "an https:// target; https goes through CONNECT"
        : "a target that is neither a path nor an http:// URL",
    );
  }
  const from = targetFrom + 7;
  let to = from;
  while (to < targetTo && bytes[to] !== 47 && bytes[to] !== 63) to++;
  return { authority: lookUp(client, from, to), path: { from: to, to: targetTo }, absolute: true };
}

function originAuthority(client: Client, head: RequestHead): Authority<Route> {
  if (client.tunnelled !== undefined) {
    const bytes = ascii(client.tunnelled);
    return checked(client.context.directory.authorities.lookup(bytes, 0, bytes.length));
  }
  const index = head.fields.find(kind.host);
  if (index < 0) throw invalid("no Host field and no absolute URL");
  return lookUp(client, head.fields.valueFrom(index), head.fields.valueTo(index));
}

function lookUp(client: Client, from: number, to: number): Authority<Route> {
  return checked(client.context.directory.authorities.lookup(client.inbox.bytes, from, to));
}

function checked(found: Authority<Route> | string): Authority<Route> {
  if (typeof found === "string") throw invalid(found);
  return found;
}

function invalid(what: string): MeshError {
  return new MeshError("destination_invalid", `the request has ${what}`);
}
