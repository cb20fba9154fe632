/** Looks at the variables that send an application's calls through a proxy, or past it. */
import { type Address, isLoopbackHost } from "../../core/address.ts";
import type { Diagnosis } from "../../control/api/shapes/doctor.ts";
import { few, fine, note, problem, warning } from "./diagnosis.ts";

export interface ProxyFacts {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** As it listens; undefined where nothing is known of it. */
  readonly outbound: Address | undefined;
  readonly inbound: Address | undefined;
  readonly admin: Address | undefined;
  /** Names of services that are called. */
  readonly services: readonly string[];
}

const check = "proxy variables";

/** Shape: pure; of a shell's environment. The sidecar itself obeys none of these variables. */
export function judgeProxy(facts: ProxyFacts): readonly Diagnosis[] {
  const found = judgeShell(facts);
  const hidden = judgeExempt(facts);
  return [...found.filter(({ level }) => level !== "ok" || hidden.length === 0), ...hidden];
}

function judgeShell(facts: ProxyFacts): readonly Diagnosis[] {
  const { env, outbound } = facts;
  const wanted = outbound === undefined ? "http://127.0.0.1:30101" : urlOf(outbound);
  const set = `set http_proxy=${wanted} for the application, or start it by mesher run`;
  const lower = env["http_proxy"] ?? "";
  const upper = env["HTTP_PROXY"] ?? "";
  if (lower === "" && upper === "") {
    return [
      note(check, "http_proxy is not set here: what is started from here does not use mesher", set),
    ];
  }
  const value = lower === "" ? upper : lower;
  const found: Diagnosis[] = [];
  const wrong = judgeTarget(value, facts, set);
  if (wrong !== undefined) found.push(wrong);
  else if (lower === "") {
    found.push(warning(
      check,
      "only HTTP_PROXY is set; curl and others read http_proxy alone",
      `set http_proxy=${wanted} too`,
    ));
  } else if (upper !== "" && upper !== lower) {
    found.push(warning(
      check,
      `http_proxy (${safe(lower)}) and HTTP_PROXY (${
        safe(upper)
      }) differ: programs choose differently`,
      "set both to the same",
    ));
  }
  return found.length > 0
    ? found
    : [fine(check, `http_proxy=${safe(value)} leads to this sidecar`)];
}

function judgeTarget(value: string, facts: ProxyFacts, fix: string): Diagnosis | undefined {
  const { outbound, inbound, admin } = facts;
  const target = addressOf(value);
  const says = `http_proxy=${safe(value)}`;
  if (target === undefined) return warning(check, `${says} is not an address`, fix);
  if (outbound === undefined) return undefined;
  if (leadsTo(target, outbound)) return undefined;
  if (inbound !== undefined && leadsTo(target, inbound)) {
    return problem(
      check,
      `${says} is the inbound listener: the application's calls would come back to itself`,
      fix,
    );
  }
  if (admin !== undefined && leadsTo(target, admin)) {
    return problem(check, `${says} is the admin listener, which carries no calls`, fix);
  }
  return warning(check, `${says} leads elsewhere, not to this sidecar`, fix);
}

/** Services that no_proxy takes away from the proxy. */
function judgeExempt({ env, services }: ProxyFacts): readonly Diagnosis[] {
  const entries = exemptions(env);
  const hidden = services.flatMap((service) => {
    const by = entries.find((entry) => exempts(entry, service));
    return by === undefined ? [] : [`${service} (by ${by})`];
  });
  if (entries.includes("*")) {
    return [warning(
      check,
      "no_proxy=* here takes every call past mesher",
      "list only what is not to be proxied: no_proxy=localhost,127.0.0.1",
    )];
  }
  if (hidden.length === 0) return [];
  return [warning(
    check,
    `no_proxy takes calls past mesher: ${few(hidden)}`,
    "take these entries out of no_proxy and NO_PROXY of the application",
  )];
}

function exemptions(env: ProxyFacts["env"]): readonly string[] {
  return [env["no_proxy"], env["NO_PROXY"]].flatMap((list) => (list ?? "").split(","))
    .map((entry) => entry.trim()).filter((entry) => entry !== "");
}

/** Whether an entry of no_proxy names the host or a domain that it is in. */
export function exempts(entry: string, host: string): boolean {
  const name = host.toLowerCase();
  const suffix = entry.toLowerCase().replace(/^\*?\./, "").replace(/:\d+$/, "");
  return suffix !== "" && suffix !== "*" && (name === suffix || name.endsWith(`.${suffix}`));
}

function addressOf(proxy: string): { readonly host: string; readonly port: number } | undefined {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(proxy) ? proxy : `http://${proxy}`;
  if (!URL.canParse(text)) return undefined;
  const { hostname, port } = new URL(text);
  if (hostname === "") return undefined;
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) || 80 };
}

/** Shape: a listener on every interface is reached by every loopback address. */
function leadsTo(
  target: { readonly host: string; readonly port: number },
  listener: Address,
): boolean {
  if ("path" in listener || target.port !== listener.port) return false;
  const everywhere = listener.host === "0.0.0.0" || listener.host === "::";
  if (everywhere || isLoopbackHost(listener.host)) return isLoopbackHost(target.host);
  return target.host === listener.host;
}

function urlOf(address: Address): string {
  if ("path" in address) return `unix:${address.path}`;
  const host = address.host === "0.0.0.0" || address.host === "::" ? "127.0.0.1" : address.host;
  return `http://${host.includes(":") ? `[${host}]` : host}:${address.port}`;
}

/** A proxy's URL may hold a password. */
function safe(value: string): string {
  return value.replace(/\/\/[^/@]*@/, "//***@");
}
