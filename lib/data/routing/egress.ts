/** Decides whether a host outside the mesh may be called. */
import type { EgressPolicy, EgressRule } from "../../core/traffic.ts";
import { inPlace, PolicyError } from "./policy_error.ts";

export interface EgressVerdict {
  readonly action: "allow" | "deny";
  /** What decided, to follow "because": `egress rule 2 denies *.example.org`. */
  readonly because: string;
}

/**
 * Shape: the same host may be written in any case, with a dot at its end, in brackets. `port` is the one that is
 * dialled, never 0. Cost: some look-ups, as many as the host has labels; no allocation for names in lower case.
 */
export type EgressDecision = (host: string, port: number) => EgressVerdict;

interface Entry {
  readonly order: number;
  /** Undefined: every port. */
  readonly ports: ReadonlySet<number> | undefined;
  readonly verdict: EgressVerdict;
}

const verbs = { allow: "allows", deny: "denies" } as const;

/** A table by host; the entries of one host stand in the order of their rules. */
type Table = Map<string, Entry[]>;

/**
 * Compiles the rules on outside hosts; the first that fits decides.
 *
 * Shape: `*.example.org` is every name below example.org at any depth, not example.org itself; `*` every host. IP
 * addresses are compared as addresses, whatever way they are written. A name that leads to a forbidden address is not
 * found out: rules are on what is asked for.
 * Errors: PolicyError for a host or port that is none.
 */
export function compileEgress(policy: EgressPolicy): EgressDecision {
  const exact: Table = new Map();
  const below: Table = new Map();
  for (const [order, rule] of policy.rules.entries()) {
    inPlace(`egress rule ${order + 1}`, () => addRule({ exact, below }, { order, rule }));
  }
  const otherwise: EgressVerdict = {
    action: policy.otherwise,
    because: policy.rules.length === 0
      ? `egress ${verbs[policy.otherwise]} every host outside the mesh`
      : `no egress rule fits, and egress ${verbs[policy.otherwise]} all others`,
  };
  if (policy.rules.length === 0) return () => otherwise;
  return (host, port) => {
    const name = plainHost(host);
    let best = firstOpen(exact.get(name), port, undefined);
    best = firstOpen(below.get(""), port, best);
    if (below.size > 0 && !name.includes(":")) {
      for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
        best = firstOpen(below.get(name.slice(dot + 1)), port, best);
      }
    }
    return best === undefined ? otherwise : best.verdict;
  };
}

function addRule(
  tables: { readonly exact: Table; readonly below: Table },
  { order, rule }: { readonly order: number; readonly rule: EgressRule },
): void {
  if (rule.hosts.length === 0) throw new PolicyError("it names no host; write * for every host");
  for (const port of rule.ports) {
    if (!Number.isInteger(port) || port < 1 || port > 65535) {
      throw new PolicyError(`${port} is no port`);
    }
  }
  const ports = rule.ports.length === 0 ? undefined : new Set(rule.ports);
  for (const host of rule.hosts) {
    const verdict: EgressVerdict = {
      action: rule.action,
      because: `egress rule ${order + 1} ${verbs[rule.action]} ${host}`,
    };
    const isWild = host === "*" || host.startsWith("*.");
    const name = host === "*" ? "" : checkedHost(isWild ? host.slice(2) : host, host);
    // The last label of a name is never a number, so this can only be meant for addresses.
    if (isWild && /(?:^|\.)\d+$|:/.test(name)) {
      throw new PolicyError(`${host} has a wildcard before an address`);
    }
    const table = isWild ? tables.below : tables.exact;
    table.set(name, [...table.get(name) ?? [], { order, ports, verdict }]);
  }
}

function firstOpen(
  entries: readonly Entry[] | undefined,
  port: number,
  best: Entry | undefined,
): Entry | undefined {
  if (entries === undefined) return best;
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index]!;
    if (best !== undefined && best.order <= entry.order) return best;
    if (entry.ports === undefined || entry.ports.has(port)) return entry;
  }
  return best;
}

/** Names of other scripts as they are on the wire. */
function checkedHost(host: string, written: string): string {
  let name = plainHost(host);
  // deno-lint-ignore no-control-regex
  if (/[^\x00-\x7f]/.test(name)) {
    name = URL.canParse(`http://${name}`) ? new URL(`http://${name}`).hostname : "";
  }
  const isAddress = name.includes(":") && URL.canParse(`http://[${name}]`);
  if (!isAddress && !/^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(name)) {
    throw new PolicyError(
      `${JSON.stringify(written)} is no host; write a name, an address, *.example.org or *`,
    );
  }
  return name;
}

/** One spelling for every way a host can be written. */
function plainHost(host: string): string {
  let name = host.toLowerCase();
  if (name.charCodeAt(0) === 91 && name.endsWith("]")) name = name.slice(1, -1);
  if (name.includes(":")) return plainIpv6(name);
  return name.length > 1 && name.endsWith(".") ? name.slice(0, -1) : name;
}

function plainIpv6(text: string): string {
  if (!URL.canParse(`http://[${text}]`)) return text;
  const plain = new URL(`http://[${text}]`).hostname.slice(1, -1);
  // An IPv4 address in IPv6 clothes reaches the same host.
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(plain);
  if (!mapped) return plain;
  const high = parseInt(mapped[1]!, 16), low = parseInt(mapped[2]!, 16);
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}
