/** Rules over several keys: what is right by itself and wrong together. */
import { type Address, isLoopback } from "../core/address.ts";
import { findRegistryContradictions, findRegistryOddities } from "./registry_rules.ts";
import type { Config } from "./schema.ts";
import { findTrafficContradictions, findTrafficOddities } from "./traffic_rules.ts";

/** `path` is the key to change; in steps where a step is an index or may hold a dot. */
export interface RuleFinding {
  readonly path: string | readonly (string | number)[];
  readonly expectation: string;
}

interface Listener {
  readonly path: string;
  readonly address: Address;
}

/** The listeners that a configuration opens. */
function listenersOf(config: Config): readonly Listener[] {
  const serves = config.registry.kind === "auto" || config.registry.kind === "embedded";
  return [
    ...(serves ? [{ path: "registry_listen", address: config.registryListen }] : []),
    { path: "outbound", address: config.outbound },
    { path: "admin", address: config.admin },
    ...(config.service === undefined ? [] : [{ path: "inbound", address: config.inbound }]),
  ];
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || /^[0:]+$/.test(host);
}

/** Whether both cannot be open at the same time. Port 0 is a free one each time. */
function collide(a: Address, b: Address): boolean {
  if ("path" in a || "path" in b) return "path" in a && "path" in b && a.path === b.path;
  if (a.port !== b.port || a.port === 0) return false;
  return a.host === b.host || isWildcard(a.host) || isWildcard(b.host);
}

/** What stops a start. */
export function findContradictions(config: Config): readonly RuleFinding[] {
  const found: RuleFinding[] = [];
  if (config.service !== undefined && config.ports.length === 0) {
    found.push({
      path: "ports",
      expectation:
        "must be set because service is, or no call could reach the app; set for example MESHER_PORTS=rest:8080",
    });
  }
  if (config.adminToken === undefined) {
    for (const path of ["admin", "outbound"] as const) {
      if (isLoopback(config[path])) continue;
      found.push({
        path,
        expectation:
          "can be reached from other hosts, so admin_token must be set; set MESHER_ADMIN_TOKEN or listen on 127.0.0.1",
      });
    }
  }
  const listeners = listenersOf(config);
  for (const [index, { path, address }] of listeners.entries()) {
    const other = listeners.slice(0, index).find((earlier) => collide(earlier.address, address));
    if (other === undefined) continue;
    found.push({ path, expectation: `is the address of ${other.path} too; give them two ports` });
  }
  for (const { protocol, port } of config.ports) {
    const own = listeners.find(({ address }) =>
      !("path" in address) && address.port === port &&
      (isLoopback(address) || isWildcard(address.host))
    );
    if (own === undefined) continue;
    found.push({
      path: "ports",
      expectation: `names ${protocol}:${port}, which is the sidecar's own ${own.path} listener`,
    });
  }
  return [...found, ...findRegistryContradictions(config), ...findTrafficContradictions(config)];
}

/** What works, but hardly as meant. */
export function findOddities(config: Config): readonly RuleFinding[] {
  const found: RuleFinding[] = [];
  if (config.service === undefined) {
    const idle = {
      ports: config.ports.length > 0,
      advertise: config.advertise !== undefined,
      properties: Object.keys(config.properties).length > 0,
      schemas: config.schemas !== undefined,
    };
    for (const [path, isSet] of Object.entries(idle)) {
      if (!isSet) continue;
      found.push({
        path,
        expectation: "has no effect because service is not set: nothing is registered",
      });
    }
  }
  if ((config.region === undefined) !== (config.zone === undefined)) {
    const [path, other] = config.region === undefined ? ["zone", "region"] : ["region", "zone"];
    found.push({
      path: path!,
      expectation: `is not published because ${other} is not set: the registry takes both or none`,
    });
  }
  if (!isLoopback(config.outbound)) {
    found.push({
      path: "outbound",
      expectation: "can be reached from other hosts: whoever reaches it sends requests as this app",
    });
  }
  return [...found, ...findRegistryOddities(config), ...findTrafficOddities(config)];
}
