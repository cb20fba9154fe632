/** Leaves about the application beside this sidecar: its ports, its instance properties, its neighbours. */
import type { LocalPort } from "../core/types.ts";
import { leaf, Refusal } from "./leaf.ts";
import { wholeNumber } from "./values.ts";

/** A TCP port somebody can connect to. */
export function portNumber(value: unknown): number | undefined {
  const port = wholeNumber(value);
  return port !== undefined && port >= 1 && port <= 65535 ? port : undefined;
}

function readPort(item: unknown): LocalPort | undefined {
  const bare = portNumber(item);
  if (bare !== undefined) return { protocol: "rest", port: bare };
  const match = typeof item === "string"
    ? /^([a-z][a-z0-9]*(?:-[a-z0-9]+)*):(\d+)$/.exec(item)
    : null;
  const port = portNumber(match?.[2]);
  if (!match || port === undefined) return undefined;
  return { protocol: match[1] === "http" ? "rest" : match[1]!, port };
}

/** Reads `rest:8080,grpc:9000`, a bare port, or a list of these. */
function readPorts(value: unknown): readonly LocalPort[] | Refusal {
  const items = Array.isArray(value)
    ? value
    : typeof value === "string"
    ? value.split(",").map((item) => item.trim()).filter((item) => item !== "")
    : [value];
  const ports: LocalPort[] = [];
  for (const [index, item] of items.entries()) {
    const where = Array.isArray(value) ? { path: [index] } : {};
    const port = readPort(typeof item === "string" ? item.trim() : item);
    if (port === undefined) {
      return new Refusal(
        "is not a port with its protocol; write for example rest:8080 or rest:8080,grpc:9000",
        where,
      );
    }
    if (ports.some((other) => other.protocol === port.protocol)) {
      return new Refusal(
        `names the protocol ${port.protocol} twice; give the second a name such as ${port.protocol}-admin:${port.port}`,
        where,
      );
    }
    ports.push(port);
  }
  return ports;
}

export function localPorts() {
  return leaf<readonly LocalPort[]>({
    read: readPorts,
    write: (ports) => ports.map(({ protocol, port }) => `${protocol}:${port}`),
  }).prefault([]);
}

/**
 * Reads `k=v,k2=v2`, or a map of texts.
 *
 * Shape: `|` separates as well, as in the MD variable; where the text has one, commas belong to the values.
 */
export function readProperties(value: unknown): Readonly<Record<string, string>> | Refusal {
  if (typeof value === "string") {
    const pairs: [string, string][] = [];
    for (const item of value.split(value.includes("|") ? "|" : ",")) {
      if (item.trim() === "") continue;
      const at = item.indexOf("=");
      const key = item.slice(0, Math.max(at, 0)).trim();
      if (key === "") {
        return new Refusal("is not a list of properties; write for example k=v,k2=v2");
      }
      pairs.push([key, item.slice(at + 1).trim()]);
    }
    return Object.fromEntries(pairs);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return new Refusal("is not a set of properties; write k: v lines below it, or k=v,k2=v2");
  }
  for (const [key, item] of Object.entries(value)) {
    if (typeof item !== "string") {
      return new Refusal("is not text; put it in quotes", { path: [key] });
    }
  }
  return Object.fromEntries(Object.entries(value as Record<string, string>));
}

export function properties() {
  return leaf<Readonly<Record<string, string>>>({
    read: readProperties,
    // Sorted, so that a file with its lines swapped is not a changed configuration.
    write: (map) => Object.fromEntries(Object.entries(map).sort(([a], [b]) => a < b ? -1 : 1)),
  }).prefault({});
}

export function isAppName(name: string): boolean {
  return name.length <= 160 && /^[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?$/.test(name);
}

/** Reads `shop,billing`, or a list of names of applications. */
function readAppNames(value: unknown): readonly string[] | Refusal {
  const items = Array.isArray(value)
    ? value
    : typeof value === "string"
    ? value.split(",").map((item) => item.trim()).filter((item) => item !== "")
    : [value];
  for (const [index, item] of items.entries()) {
    if (typeof item === "string" && isAppName(item)) continue;
    return new Refusal(
      "is not an application name; write for example shop or shop,billing",
      Array.isArray(value) ? { path: [index] } : {},
    );
  }
  return [...new Set(items as string[])];
}

export function appNames() {
  return leaf<readonly string[]>({ read: readAppNames, write: (names) => [...names] }).prefault([]);
}
