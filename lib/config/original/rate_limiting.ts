/** Keys `cse.flowcontrol.*` of the original: calls per second to a provider, and from a caller. */
import { isServiceName } from "../../core/names.ts";
import type { Entry, Sheet } from "./sheet.ts";

/** What the original lets through at once. Source: a fifth of the rate, or 10 where that is nothing. */
export function burstOf(rate: number): number {
  return Math.floor(rate / 5) || 10;
}

/** Source: go-chassis, rate_limiting.yaml. */
export function translateFlowControl(sheet: Sheet): void {
  const callerSide = isOn(sheet, "Consumer");
  for (const { key, value, rest } of sheet.takeBelow("cse.flowcontrol.Consumer.qps.")) {
    if (rest === "global.limit") {
      sheet.warn(
        key,
        "the original does not read it on this side; say limit.SERVICE, or rate_limits",
      );
      continue;
    }
    const service = ownerOf(rest);
    if (service === undefined) {
      sheet.warn(key, "is not known");
      continue;
    }
    const rate = callerSide(key) ? rateOf(sheet, { key, value }) : undefined;
    if (rate === undefined) continue;
    if (rate <= 0) refuseAll(sheet, { key, path: ["services", service, "fault"] });
    else {
      const limit = { name: "flowcontrol", per_second: rate, burst: burstOf(rate) };
      sheet.set(service, ["rate_limits"], [limit]);
    }
  }

  translateProviderSide(sheet);
}

function translateProviderSide(sheet: Sheet): void {
  const isInForce = isOn(sheet, "Provider");
  const entries = sheet.takeBelow("cse.flowcontrol.Provider.qps.");
  const hasGlobal = entries.some(({ rest }) => rest === "global.limit");
  const limits: object[] = [];
  for (const { key, value, rest } of entries) {
    const caller = ownerOf(rest);
    if (rest !== "global.limit" && caller === undefined) {
      sheet.warn(key, "is not known");
      continue;
    }
    const rate = isInForce(key) ? rateOf(sheet, { key, value }) : undefined;
    if (rate === undefined) continue;
    if (caller === undefined) {
      if (rate <= 0) refuseAll(sheet, { key, path: ["provider", "fault"] });
      else limits.push({ name: "flowcontrol global", per_second: rate, burst: burstOf(rate) });
      continue;
    }
    const who = { name: `flowcontrol ${caller}`, match: { callers: [caller] } };
    if (rate <= 0) {
      limits.push({ ...who, per_second: 0.001, burst: 1 });
      sheet.warn(key, "no rate lets nothing through; here one call passes in 1000 seconds");
    } else limits.push({ ...who, per_second: rate, burst: burstOf(rate) });
    if (hasGlobal) sheet.warn(key, "calls of this caller count against the global limit as well");
  }
  if (limits.length > 0) sheet.put(["provider", "rate_limits"], limits);
}

function ownerOf(rest: string): string | undefined {
  const [, name] = /^limit\.(.+)$/.exec(rest) ?? [];
  return name !== undefined && isServiceName(name) ? name : undefined;
}

function rateOf(sheet: Sheet, entry: Entry): number | undefined {
  return sheet.number(entry, { min: -1_000_000, max: 1_000_000 });
}

/** Whether limits of one side are in force; says of each key that is not why. */
function isOn(sheet: Sheet, side: "Consumer" | "Provider"): (key: string) => boolean {
  const entry = sheet.take(`cse.flowcontrol.${side}.qps.enabled`);
  const isOff = entry !== undefined && sheet.flag(entry) === false;
  const [chain, handler] = side === "Consumer"
    ? ["Consumer.outgoing", "ratelimiter-consumer"] as const
    : ["Provider.incoming", "ratelimiter-provider"] as const;
  const isMissing = sheet.hasHandler(chain, handler) === false;
  return (key) => {
    if (isOff) sheet.warn(key, `has no effect because flowcontrol.${side}.qps.enabled is false`);
    else if (isMissing) sheet.warn(key, `had no effect: ${handler} is not in the chain ${chain}`);
    return !isOff && !isMissing;
  };
}

/** A rate of nothing lets nothing through; here that is said as a fault. */
function refuseAll(
  sheet: Sheet,
  { key, path }: { readonly key: string; readonly path: readonly string[] },
): void {
  sheet.put([...path, "abort_status"], 429);
  sheet.put([...path, "abort_percent"], 100);
  sheet.warn(key, "no rate lets nothing through, so every call is answered with 429 by fault");
}
