/** Decides who a name is that a data thread asks about: a service of the mesh, a host outside, or nobody. */
import { isIpLiteral } from "../../core/address.ts";
import type { Clock } from "../../core/ports.ts";
import type { Resolution } from "../../plane/messages.ts";
import type { HostAnswer } from "./hosts.ts";
import type { Lookup } from "./lookup.ts";

export interface ResolveOptions {
  /** Never rejects. */
  readonly services: { lookup(name: string): Promise<Lookup> };
  /** Never rejects. */
  readonly hosts: {
    lookup(name: string): Promise<HostAnswer>;
    validMs(answer: HostAnswer): number;
  };
  readonly clock: Clock;
  /** How long a name that can only be a service waits for the registry. Units: milliseconds. */
  readonly serviceMs?: number;
  /** How long a name that may be a host waits for the registry. Units: milliseconds. */
  readonly dottedMs?: number;
  /** How long "no such service" holds. Units: milliseconds. */
  readonly negativeMs?: number;
}

export interface Resolved {
  readonly resolution: Resolution;
  /** How long the asker may keep the answer; Infinity for a service, which is taken back when it goes. */
  readonly validMs: number;
}

/** While the registry is silent, a host takes the place of a possible service only for a moment. */
const unsureMs = 2_000;
const downMs = 1_000;

/**
 * Who is this name?
 *
 * Shape: never rejects. A name without a dot can only be a service, except `localhost`; a name with one is a service
 * first and a host otherwise, both asked at the same time; an IP literal is a host.
 */
export async function resolveName(name: string, options: ResolveOptions): Promise<Resolved> {
  const { services, hosts, clock, serviceMs = 1_000, dottedMs = 300, negativeMs = 2_000 } = options;
  if (isIpLiteral(name)) {
    return { resolution: { kind: "host", addresses: [name] }, validMs: Infinity };
  }
  const mayBeHost = name.includes(".") || name.toLowerCase() === "localhost";
  const host = mayBeHost ? hosts.lookup(name) : undefined;
  const lookup = await within(services.lookup(name), {
    clock,
    ms: host ? dottedMs : serviceMs,
    name,
  });
  if (lookup.kind === "service") return { resolution: lookup, validMs: Infinity };
  if (lookup.kind === "ambiguous") return { resolution: lookup, validMs: negativeMs };
  const sure = lookup.kind === "unknown";
  if (!host) return { resolution: lookup, validMs: sure ? negativeMs : downMs };
  const answer = await host;
  const resolution = answer.kind === "host"
    ? answer
    : { kind: answer.kind, detail: `${answer.detail}; ${lookup.detail}` };
  const validMs = hosts.validMs(answer);
  return { resolution, validMs: sure ? validMs : Math.min(validMs, unsureMs) };
}

/** The look-up goes on after the time is up, so that its answer is there for the next question. */
async function within(
  lookup: Promise<Lookup>,
  limit: { readonly clock: Clock; readonly ms: number; readonly name: string },
): Promise<Lookup> {
  const done = new AbortController();
  const late = limit.clock.sleep(limit.ms, done.signal).then((): Lookup => ({
    kind: "registry_down",
    detail: `the registry did not say within ${limit.ms} ms who "${limit.name}" is`,
  }));
  try {
    return await Promise.race([lookup, late]);
  } finally {
    done.abort();
  }
}
