/** The one schema of the configuration: every key, its form, its bounds and its default. */
import { isServiceName } from "../core/names.ts";
import { advertised, localListener, tcpListener } from "./address_leaf.ts";
import { appChecks } from "./app_checks.ts";
import { appNames, isAppName, localPorts, properties } from "./app_leaf.ts";
import { type ConfigOf, group } from "./leaf.ts";
import { registryUrl } from "./registry_url.ts";
import {
  callerConcurrency,
  egressRules,
  provider,
  rateLimits,
  routes,
  services,
} from "./service_policies.ts";
import { accessLog, tracing } from "./telemetry_groups.ts";
import { balance, breaker, fault, outlier, retry } from "./traffic_groups.ts";
import { count, countOrAuto, duration, oneOf, size, text, yesOrNo } from "./values.ts";

const percent = { min: 0, max: 100 } as const;

function isVersion(version: string): boolean {
  const parts = version.split(".");
  return parts.length <= 4 &&
    parts.every((part) => /^\d{1,5}$/.test(part) && Number(part) <= 32767);
}

const place = {
  accepts: (name: string) => /^[A-Za-z0-9_.-]{1,128}$/.test(name),
} as const;

function file() {
  return text({ what: "a file", accepts: (path) => path.trim() !== "" });
}

/**
 * The schema, in the order in which the configuration is printed.
 *
 * Shape: file form in (snake_case, texts), Config out (camelCase, milliseconds, bytes), and back.
 */
export const schema = group({
  service: text({
    what: "a service name (letters and digits, inside also _ - and ., at most 128)",
    accepts: isServiceName,
    example: "AccountService",
  }).optional(),
  app: text({
    what: "an application name (letters and digits, inside also _ - and ., at most 160)",
    accepts: isAppName,
    example: "shop",
  }).prefault("default"),
  version: text({
    what: "a version (one to four numbers up to 32767, with dots)",
    accepts: isVersion,
    example: "1.0.2",
  }).prefault("0.0.1"),
  environment: oneOf(["", "development", "testing", "acceptance", "production"], ""),
  ports: localPorts(),
  check: appChecks(),
  properties: properties(),
  allow_cross_app: yesOrNo(false),
  other_apps: appNames(),
  schemas: text({ what: "a folder", accepts: (path) => path.trim() !== "" }).optional(),
  registry: registryUrl(),
  registry_account: text({
    what: "an account name (no spaces, at most 128 characters)",
    accepts: (name) => /^\S{1,128}$/.test(name),
    example: "mesher",
  }).optional(),
  registry_password: text({
    what: "a password (at most 1024 characters)",
    accepts: (password) => password !== "" && password.length <= 1024,
  }).optional(),
  registry_password_file: file().optional(),
  registry_ca: file().optional(),
  registry_cert: file().optional(),
  registry_key: file().optional(),
  registry_project: text({ what: "a project (letters, digits, _ . -)", ...place, example: "p1" })
    .prefault("default"),
  registry_tenant: text({ what: "a tenant (letters, digits, _ . -)", ...place, example: "t1" })
    .prefault("default"),
  registry_listen: tcpListener("127.0.0.1", 30100),
  outbound: localListener(30101),
  admin: localListener(30102),
  inbound: tcpListener("0.0.0.0", 30103),
  advertise: advertised().optional(),
  original_config: text({ what: "a file or folder", accepts: (path) => path.trim() !== "" })
    .optional(),
  state_dir: text({ what: "a folder", accepts: (path) => path.trim() !== "" }).optional(),
  log: oneOf(["error", "warn", "info", "debug"], "info"),
  threads: countOrAuto({ min: 1, max: 256 }),
  net: oneOf(["auto", "native", "portable"], "auto"),
  egress: oneOf(["allow", "deny"], "allow"),
  egress_rules: egressRules,
  via: yesOrNo(false),
  hostname: text({
    what: "a host name (no spaces, at most 64 characters)",
    accepts: (name) => /^\S{1,64}$/.test(name),
    example: "vm-7",
  }).optional(),
  region: text({ what: "a region (letters, digits, _ . -)", ...place, example: "r1" }).optional(),
  zone: text({ what: "a zone (letters, digits, _ . -)", ...place, example: "az1" }).optional(),
  timeouts: group({
    connect: duration("1s"),
    response: duration("30s"),
    head: duration("10s"),
    idle: duration("60s"),
    body_idle: duration("60s"),
    pool_idle: duration("3s"),
    resolve: duration("1s"),
    tunnel_idle: duration("1h"),
  }),
  limits: group({
    head_bytes: size("64KiB", { min: "1KiB", max: "16MiB" }),
    head_fields: count(1000, { min: 1, max: 100_000 }),
    replay_bytes: size("64KiB", { min: "0", max: "64MiB" }),
    connections: count(10_000, { min: 1, max: 1_000_000 }),
    hops: count(8, { min: 1, max: 255 }),
    parked: count(1000, { min: 0, max: 1_000_000 }),
  }),
  balance,
  outlier,
  retry,
  eject: group({ duration: duration("5s", { min: "0ms" }) }),
  breaker,
  concurrency: callerConcurrency,
  rate_limits: rateLimits,
  fault,
  routes,
  services,
  provider,
  discovery: group({
    poll: duration("10s", { min: "100ms" }),
    jitter_percent: count(20, percent),
    negative_ttl: duration("1s", { min: "0ms" }),
    names_ttl: duration("30s", { min: "0ms" }),
    unused_after: duration("10m"),
    snapshot_max_age: duration("24h"),
    timeout: duration("5s"),
    watch: yesOrNo(true),
  }),
  guard: group({
    shrink_percent: count(50, percent),
    probe_timeout: duration("500ms"),
  }),
  heartbeat: group({
    interval: duration("30s", { min: "1s" }),
    times: count(3, { min: 1, max: 1000 }),
  }),
  health: group({
    interval: duration("2s", { min: "100ms" }),
    timeout: duration("1s"),
    rise: count(2, { min: 1, max: 100 }),
    fall: count(3, { min: 1, max: 100 }),
  }),
  drain: group({
    announce: duration("5s", { min: "0ms" }),
    finish: duration("25s", { min: "0ms" }),
  }),
  routing: group({ default_version: oneOf(["all", "latest"], "all") }),
  tracing,
  access_log: accessLog,
  admin_token: text({
    what: "a token (8 to 256 visible characters without spaces)",
    accepts: (token) => /^[\x21-\x7e]{8,256}$/.test(token),
  }).optional(),
});

/** Paths whose values are never shown. */
export const secretPaths: ReadonlySet<string> = new Set(["admin_token", "registry_password"]);

/** Paths that a flag may name without a value, which then is `true`. */
export const switchPaths: ReadonlySet<string> = new Set([
  "via",
  "allow_cross_app",
  "access_log.enabled",
  "breaker.enabled",
  "concurrency.adaptive",
  "outlier.enabled",
  "provider.concurrency.adaptive",
  "retry.hedge",
]);

/** The whole configuration as one value. Units: every `Ms` is milliseconds, every `Bytes` bytes. */
export type Config = ConfigOf<typeof schema.shape>;
