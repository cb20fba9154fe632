/** Keys `cse.loadbalance.*` of the original: strategies, retries, stickiness, zones. */
import type { Entry, FlatValue, Sheet } from "./sheet.ts";

const names = [
  "strategy.name",
  "retryEnabled",
  "retryOnSame",
  "retryOnNext",
  "backoff.kind",
  "backoff.minMs",
  "backoff.maxMs",
  "serverListFilters",
  "SessionStickinessRule.sessionTimeoutInSeconds",
  "SessionStickinessRule.successiveFailedTimes",
] as const;

type Name = typeof names[number];

/** What the original takes where a service has a section of its own: it inherits nothing. */
const defaults: Readonly<Partial<Record<Name, FlatValue>>> = {
  "strategy.name": "RoundRobin",
  "retryEnabled": false,
  "retryOnSame": 0,
  "retryOnNext": 0,
  "backoff.kind": "exponential",
  "backoff.minMs": 0,
  "backoff.maxMs": 0,
  "SessionStickinessRule.sessionTimeoutInSeconds": 30,
  "SessionStickinessRule.successiveFailedTimes": 5,
};

const kinds: Readonly<Record<string, string>> = {
  RoundRobin: "round_robin",
  Random: "random",
  SessionStickiness: "sticky",
  WeightedResponse: "weighted_response",
};

type Section = Map<Name, Entry>;

/** Source: go-chassis, load_balancing.yaml. */
export function translateLoadBalancing(sheet: Sheet): void {
  const sections = new Map<string | undefined, Section>();
  for (const { owner, name, ...entry } of sheet.takeOwned("cse.loadbalance.", names)) {
    const section = sections.get(owner) ?? new Map<Name, Entry>();
    sections.set(owner, section.set(name as Name, entry));
  }
  const shared = sections.get(undefined) ?? new Map<Name, Entry>();
  for (const [owner, section] of sections) {
    if (owner !== undefined) {
      for (const [name, { key }] of shared) {
        const value = defaults[name];
        if (value !== undefined && !section.has(name)) section.set(name, { key, value });
      }
    }
    translateSection(sheet, owner, section);
  }
}

function translateSection(sheet: Sheet, owner: string | undefined, section: Section): void {
  const strategy = section.get("strategy.name");
  if (strategy !== undefined) {
    const kind = kinds[String(strategy.value)];
    if (kind !== undefined) sheet.set(owner, ["balance", "kind"], kind);
    else {
      const known = Object.keys(kinds).join(", ");
      sheet.warn(strategy.key, `there is no strategy ${JSON.stringify(strategy.value)}; ${known}`);
    }
  }
  translateRetries(sheet, owner, section);
  translateBackoff(sheet, owner, section);

  const filters = section.get("serverListFilters");
  for (const filter of String(filters?.value ?? "").split(",").map((name) => name.trim())) {
    if (filters === undefined || filter === "") continue;
    if (filter === "zoneaware") sheet.set(owner, ["balance", "locality"], "prefer");
    else sheet.warn(filters.key, `there is no filter ${JSON.stringify(filter)}`);
  }
  const idle = section.get("SessionStickinessRule.sessionTimeoutInSeconds");
  const seconds = idle && sheet.number(idle, { min: 1, max: 2_000_000 });
  if (seconds !== undefined) sheet.set(owner, ["balance", "sticky_idle"], `${seconds}s`);
  const failed = section.get("SessionStickinessRule.successiveFailedTimes");
  const times = failed && sheet.number(failed, { min: 1, max: 1000 });
  if (times !== undefined) sheet.set(owner, ["balance", "sticky_failures"], times);
}

function translateRetries(sheet: Sheet, owner: string | undefined, section: Section): void {
  const switchedOn = section.get("retryEnabled");
  const isOn = switchedOn === undefined ? undefined : sheet.flag(switchedOn);
  const extra = (name: "retryOnSame" | "retryOnNext") => {
    const entry = section.get(name);
    if (entry === undefined) return 0;
    const count = sheet.number(entry, { min: 0, max: 1000 }) ?? 0;
    if (isOn !== true && count > 0) {
      sheet.warn(entry.key, "has no effect because retryEnabled is not true");
    }
    return count;
  };
  const same = extra("retryOnSame"), next = extra("retryOnNext");
  if (isOn === undefined) return;
  if (!isOn) return sheet.set(owner, ["retry", "max_attempts"], 1);
  sheet.set(owner, ["retry", "max_attempts"], Math.min(100, (same + 1) * (next + 1)));
  if (same > 0) {
    const { key } = section.get("retryOnSame")!;
    sheet.warn(key, "counts as attempts, but each goes to another endpoint where there is one");
  }
  if (same + next > 0) {
    const why =
      "requests that may have been processed are repeated only if their method is idempotent, and within a budget";
    sheet.warn(switchedOn!.key, why);
  }
}

function translateBackoff(sheet: Sheet, owner: string | undefined, section: Section): void {
  const read = (name: "backoff.minMs" | "backoff.maxMs") => {
    const entry = section.get(name);
    return entry && sheet.number(entry, { min: 0, max: 3_600_000 });
  };
  const kind = section.get("backoff.kind");
  const least = read("backoff.minMs"), most = read("backoff.maxMs");
  const form = kind === undefined ? "exponential" : String(kind.value);
  if (!["exponential", "jittered", "constant", "zero"].includes(form)) {
    sheet.warn(kind!.key, `there is no backoff ${JSON.stringify(form)}; exponential is taken`);
  }
  if (form !== "zero" && least === undefined && most === undefined) return;
  const base = form === "zero" ? 0 : least ?? 0;
  const max = form === "zero" ? 0 : form === "constant" ? base : Math.max(base, most ?? 0);
  sheet.set(owner, ["retry", "base_delay"], `${base}ms`);
  sheet.set(owner, ["retry", "max_delay"], `${max}ms`);
}
