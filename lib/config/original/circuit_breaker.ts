/** Keys `cse.isolation.*`, `cse.circuitBreaker.*` and `cse.fallback*` of the original. */
import type { OwnedEntry, Sheet } from "./sheet.ts";

const isolationNames = ["timeoutInMilliseconds", "maxConcurrentRequests", "timeout.enabled"];
const breakerNames = [
  "enabled",
  "forceOpen",
  "forceClosed",
  "sleepWindowInMilliseconds",
  "requestVolumeThreshold",
  "errorThresholdPercentage",
];
const fallbackNames = ["enabled", "force", "maxConcurrentRequests"];

const noHandler = "had no effect: bizkeeper-consumer is not in the chain Consumer.outgoing";
/** The original never lets more through. */
const mostConcurrent = 5000;

/** Source: go-chassis, circuit_breaker.yaml. */
export function translateCircuitBreaker(sheet: Sheet): void {
  const works = sheet.hasHandler("Consumer.outgoing", "bizkeeper-consumer") !== false;
  translateIsolation(sheet, works);

  const forced = new Map<string | undefined, "open" | "closed" | "none">();
  for (const entry of sheet.takeOwned("cse.circuitBreaker.Consumer.", breakerNames)) {
    if (!works) sheet.warn(entry.key, noHandler);
    else translateBreaker(sheet, entry, forced);
  }
  for (const entry of sheet.takeOwned("cse.fallback.Consumer.", fallbackNames)) {
    if (!works) sheet.warn(entry.key, noHandler);
    else translateFallback(sheet, entry, forced);
  }
  for (const [owner, force] of forced) sheet.set(owner, ["breaker", "force"], force);

  for (const { key, value } of sheet.takeOwned("cse.fallbackpolicy.Consumer.", ["policy"])) {
    if (value === "throwexception") continue;
    sheet.warn(key, "refused calls are always answered with 503 and the reason");
  }
  const scope = sheet.take("cse.circuitBreaker.scope");
  if (scope !== undefined && scope.value !== "api" && scope.value !== "service") {
    sheet.warn(scope.key, "the breaker counts by service; single endpoints are watched by outlier");
  }
  const providerSide = [
    "cse.circuitBreaker.Provider.",
    "cse.fallback.Provider.",
    "cse.fallbackpolicy.Provider.",
  ];
  for (const { key } of providerSide.flatMap((prefix) => sheet.takeBelow(prefix))) {
    sheet.warn(key, "the provider's side has no breaker; provider.concurrency bounds its load");
  }
}

function translateIsolation(sheet: Sheet, works: boolean): void {
  for (const entry of sheet.takeOwned("cse.isolation.Consumer.", isolationNames)) {
    const { key, name, owner } = entry;
    if (name === "timeoutInMilliseconds") {
      const ms = sheet.number(entry, { min: 1, max: 2_147_483_647 });
      if (ms !== undefined) sheet.set(owner, ["timeouts", "response"], `${ms}ms`);
    } else if (name === "timeout.enabled") {
      if (sheet.flag(entry) !== false) continue;
      sheet.warn(key, "the wait for an answer always has an end; set timeouts.response");
    } else if (!works) sheet.warn(key, noHandler);
    else {
      const limit = sheet.number(entry, { min: 1, max: 1_000_000 });
      if (limit === undefined) continue;
      sheet.set(owner, ["concurrency", "limit"], Math.min(limit, mostConcurrent));
    }
  }
  for (const entry of sheet.takeOwned("cse.isolation.Provider.", isolationNames)) {
    const { key, name, owner } = entry;
    if (name === "maxConcurrentRequests" && owner === undefined) {
      const limit = sheet.number(entry, { min: 1, max: 1_000_000 });
      if (limit === undefined) continue;
      sheet.put(["provider", "concurrency", "limit"], Math.min(limit, mostConcurrent));
    } else if (name === "maxConcurrentRequests") {
      sheet.warn(key, "provider.concurrency bounds all callers together, not each");
    } else {
      sheet.warn(key, "the own application is waited for as long as timeouts.response says");
    }
  }
}

function translateBreaker(
  sheet: Sheet,
  entry: OwnedEntry,
  forced: Map<string | undefined, "open" | "closed" | "none">,
): void {
  const { name, owner } = entry;
  switch (name) {
    case "enabled": {
      const enabled = sheet.flag(entry);
      if (enabled !== undefined) sheet.set(owner, ["breaker", "enabled"], enabled);
      return;
    }
    case "forceOpen":
    case "forceClosed": {
      const force = name === "forceOpen" ? "open" : "closed";
      // Both at once refuse all calls.
      if (sheet.flag(entry) === true && forced.get(owner) !== "open") forced.set(owner, force);
      else if (!forced.has(owner)) forced.set(owner, "none");
      return;
    }
    case "sleepWindowInMilliseconds": {
      const ms = sheet.number(entry, { min: 100, max: 2_147_483_647 });
      if (ms !== undefined) sheet.set(owner, ["breaker", "open"], `${ms}ms`);
      return;
    }
    case "requestVolumeThreshold": {
      const count = sheet.number(entry, { min: 1, max: 1_000_000 });
      if (count !== undefined) sheet.set(owner, ["breaker", "min_requests"], count);
      return;
    }
    default: {
      const percent = sheet.number(entry, { min: 0, max: 100 });
      if (percent !== undefined) sheet.set(owner, ["breaker", "error_percent"], percent);
    }
  }
}

function translateFallback(
  sheet: Sheet,
  entry: OwnedEntry,
  forced: Map<string | undefined, "open" | "closed" | "none">,
): void {
  const { key, name, owner } = entry;
  if (name === "maxConcurrentRequests") {
    return sheet.warn(key, "the original did not use it either");
  }
  const flag = sheet.flag(entry);
  // A fallback by force is an answer without a call: what an open breaker does.
  if (name === "force" && flag === true) forced.set(owner, "open");
  else if (name === "enabled" && flag === false) {
    sheet.warn(key, "refused calls are answered with 503 and the reason either way");
  }
}
