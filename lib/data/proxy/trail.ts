/** Begins the trail of a request that somebody wants to see, its trace included. */
import { findByte, latin1, utf8 } from "../http1/bytes.ts";
import { kind } from "../http1/fields.ts";
import type { RequestHead } from "../http1/request_head.ts";
import { beginTrace, type Trace } from "../trace/trace.ts";
import type { Client } from "./client.ts";
import { callerOf } from "./head_facts.ts";
import { Trail } from "./observer.ts";

/**
 * Shape: of the head that was just parsed; without an authority the Host field is the one that the caller wrote.
 * Cost: to be called only while somebody watches.
 */
export function beginTrail(
  client: Client,
  { authority, path }: {
    readonly authority: string;
    readonly path: { readonly from: number; readonly to: number };
  },
): void {
  const { context, exchange: state, inbox, role, socket } = client;
  const { bytes } = inbox;
  const { observer, request } = context;
  const trace = traceOf(client);
  state.trace = trace;
  // A trace that is not recorded is passed on; nobody would read the trail.
  if (trace?.sampled !== true && !observer.decidesLate) return;
  const pathTo = findByte(bytes, 63, path);
  state.watch(
    new Trail({
      role,
      method: latin1(bytes, request.methodFrom, request.methodTo),
      path: utf8(bytes, path.from, pathTo) || (request.isConnect ? "" : "/"),
      authority: authority || hostOf(request, bytes),
      caller: role === "outbound" ? context.policy.service ?? "" : callerOf(request, bytes),
      client: socket.remoteHost,
      logged: observer.logs(),
      trace,
      startedAtMs: state.startedAtMs,
    }),
  );
}

function hostOf({ fields }: RequestHead, bytes: Uint8Array): string {
  const host = fields.find(kind.host);
  return host < 0 ? "" : latin1(bytes, fields.valueFrom(host), fields.valueTo(host));
}

/**
 * Begins the trail of a request that failed before it was clear where it goes.
 *
 * Shape: texts are empty where no head was understood.
 */
export function beginLateTrail(
  { context, exchange: state, role, socket }: Client,
  { method, target }: { readonly method: string; readonly target: string },
): void {
  const [, authority = "", path = ""] = /^(?:https?:\/\/([^/]*))?(.*)$/i.exec(target) ?? [];
  state.watch(
    new Trail({
      role,
      method,
      path,
      authority,
      caller: role === "outbound" ? context.policy.service ?? "" : "",
      client: socket.remoteHost,
      logged: context.observer.logs(),
      trace: undefined,
      startedAtMs: state.startedAtMs,
    }),
  );
}

function traceOf({ context, inbox }: Client): Trace | undefined {
  const { net, observer, random, request } = context;
  const { sampler, traceFields } = observer;
  if (sampler === undefined) return undefined;
  const { fields } = request;
  const { bytes } = inbox;
  traceFields.clear();
  if (fields.has(kind.trace) || fields.has(kind.traceState)) {
    for (let index = 0; index < fields.count; index++) {
      const which = fields.kindOf(index);
      if (which !== kind.trace && which !== kind.traceState) continue;
      traceFields.add(
        latin1(bytes, fields.nameFrom(index), fields.nameTo(index)).toLowerCase(),
        latin1(bytes, fields.valueFrom(index), fields.valueTo(index)),
      );
    }
  }
  return beginTrace(traceFields, observer.traceFormats, { sampler, random, nowMs: net.now() });
}
