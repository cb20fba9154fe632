/** The proxies that are compared, each with its configuration, and the origin behind all of them. */
import { v8Flags } from "../v8_flags.ts";
import { type Child, findProgram, freePorts, type Workplace } from "./children.ts";
import { waitUntilServing } from "./load.ts";

export const peerNames = [
  "origin",
  "nginx",
  "haproxy",
  "envoy",
  "mesher",
  "portable",
] as const;
export type PeerName = typeof peerNames[number];

/** A running server with its one listening port. */
export interface Peer {
  readonly name: PeerName;
  readonly port: number;
  readonly child: Child;
  /** From exec to the first proxied answer. Units: milliseconds. */
  readonly startMs: number;
  /** Port of the admin API, where there is one. */
  readonly adminPort?: number;
}

/** Why a peer does not take part. */
export interface Missing {
  readonly name: PeerName;
  readonly reason: string;
}

export interface PeerContext {
  readonly place: Workplace;
  readonly originPort: number;
  /** Root of the repository. */
  readonly root: string;
  /** A compiled mesher to measure in place of the sources. */
  readonly binary?: string;
}

/** The path of the large body at the origin. */
export const largeBody = { path: "/large", bytes: 256 * 1024 * 1024 } as const;

// 100 bytes, the size of a small answer.
const smallBody = JSON.stringify({ ok: true, filler: "x".repeat(100) }).slice(0, 98) + '"}';

/** Starts the origin: nginx with one worker, a small JSON answer and a large body. Errors: it did not start. */
export async function startOrigin(place: Workplace, nginx: string): Promise<Peer> {
  const [port] = freePorts(1);
  await Deno.mkdir(`${place.folder}/www`);
  // A file without blocks on the disk: reading it costs memory copies only.
  using file = await Deno.open(`${place.folder}/www/large`, { write: true, create: true });
  await file.truncate(largeBody.bytes);
  const locations = `
    location = / { default_type application/json; return 200 '${smallBody}'; }
    location = ${largeBody.path} { root ${place.folder}/www; }`;
  return await startNginx({ place, name: "origin", port: port!, locations, nginx });
}

interface NginxPlan {
  readonly place: Workplace;
  readonly name: "origin" | "nginx";
  readonly port: number;
  readonly nginx: string;
  readonly locations: string;
  readonly upstream?: string;
}

async function startNginx(plan: NginxPlan): Promise<Peer> {
  const folder = `${plan.place.folder}/${plan.name}`;
  await Deno.mkdir(folder);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(" ");
  // One process in all: its processor time is that of the proxy.
  const config = `daemon off;
master_process off;
worker_processes 1;
worker_rlimit_nofile 20000;
error_log ${folder}/error.log crit;
pid ${folder}/nginx.pid;
events { worker_connections 8192; }
http {
  access_log off;
  ${temporary}
  sendfile on;
  tcp_nodelay on;
  keepalive_timeout 300s;
  keepalive_requests 1000000000;
  ${plan.upstream ?? ""}
  server {
    listen 127.0.0.1:${plan.port} backlog=4096;${plan.locations}
  }
}
`;
  await Deno.writeTextFile(`${folder}/nginx.conf`, config);
  return await started(plan.place, { name: plan.name, port: plan.port }, {
    command: [
      plan.nginx,
      "-p",
      folder,
      "-e",
      `${folder}/error.log`,
      "-c",
      `${folder}/nginx.conf`,
    ],
  });
}

/** Starts a peer, or says why it is missing. */
export async function startPeer(
  name: Exclude<PeerName, "origin">,
  context: PeerContext,
): Promise<Peer | Missing> {
  try {
    switch (name) {
      case "nginx":
        return await startNginxProxy(context);
      case "haproxy":
        return await startHaproxy(context);
      case "envoy":
        return await startEnvoy(context);
      case "mesher":
      case "portable":
        return await startMesher(name, context);
    }
  } catch (error) {
    return { name, reason: error instanceof Error ? error.message : String(error) };
  }
}

interface StartPlan {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Starts the command and waits for its first answer. Errors: with the end of its log. */
async function started(
  place: Workplace,
  peer: Pick<Peer, "name" | "port" | "adminPort">,
  plan: StartPlan,
): Promise<Peer> {
  const child = place.start(peer.name, plan.command, plan);
  try {
    const startMs = await waitUntilServing(peer.port, {
      timeoutMs: 30_000,
      gone: () => child.exited,
    });
    return { ...peer, child, startMs };
  } catch (error) {
    await place.stop(child);
    const reason = error instanceof Error ? error.message : String(error);
    const log = await place.lastLines(child);
    throw new Error(`did not start: ${reason}${log === "" ? "" : `; it said:\n${log}`}`);
  }
}

async function needed(program: string): Promise<string> {
  const path = await findProgram(program);
  if (path === undefined) throw new Error(`no ${program} command is installed`);
  return path;
}

async function startNginxProxy({ place, originPort }: PeerContext): Promise<Peer> {
  const nginx = await needed("nginx");
  const [port] = freePorts(1);
  return await startNginx({
    place,
    name: "nginx",
    port: port!,
    nginx,
    upstream: `upstream origin {
    server 127.0.0.1:${originPort};
    keepalive 1024;
    keepalive_requests 1000000000;
  }`,
    locations: `
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_max_temp_file_size 0;
    }`,
  });
}

async function startHaproxy({ place, originPort }: PeerContext): Promise<Peer> {
  const [port] = freePorts(1);
  const command = await haproxyCommand(place, { port: port!, target: originPort });
  if (command === undefined) throw new Error("no haproxy command is installed");
  return await started(place, { name: "haproxy", port: port! }, { command });
}

/** How a HAProxy with one thread is started. Shape: undefined when there is none. */
export async function haproxyCommand(
  place: Workplace,
  { port, target }: { readonly port: number; readonly target: number },
): Promise<readonly string[] | undefined> {
  const haproxy = await findProgram("haproxy");
  if (haproxy === undefined) return undefined;
  const config = `global
  nbthread 1
  maxconn 8000
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  http-reuse always
frontend front
  bind 127.0.0.1:${port} backlog 4096
  default_backend target
backend target
  server target 127.0.0.1:${target}
`;
  const path = `${place.folder}/haproxy-${port}.cfg`;
  await Deno.writeTextFile(path, config);
  return [haproxy, "-db", "-f", path];
}

async function startEnvoy({ place, originPort }: PeerContext): Promise<Peer> {
  const envoy = await needed("envoy");
  const [port] = freePorts(1);
  const limits = ["max_connections", "max_pending_requests", "max_requests"]
    .map((name) => `${name}: 100000`).join(", ");
  const address = (number: number) =>
    `{ socket_address: { address: 127.0.0.1, port_value: ${number} } }`;
  const config = `static_resources:
  listeners:
  - name: front
    address: ${address(port!)}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: front
          route_config:
            virtual_hosts:
            - name: origin
              domains: ["*"]
              routes: [{ match: { prefix: "/" }, route: { cluster: origin, timeout: 0s } }]
          http_filters:
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
  - name: origin
    type: STATIC
    connect_timeout: 1s
    circuit_breakers: { thresholds: [{ ${limits} }] }
    load_assignment:
      cluster_name: origin
      endpoints: [{ lb_endpoints: [{ endpoint: { address: ${address(originPort)} } }] }]
`;
  await Deno.writeTextFile(`${place.folder}/envoy.yaml`, config);
  return await started(place, { name: "envoy", port: port! }, {
    command: [
      envoy,
      "--concurrency",
      "1",
      "--use-dynamic-base-id",
      "-l",
      "error",
      "-c",
      `${place.folder}/envoy.yaml`,
    ],
  });
}

/** Shape: `folder` tells several of one kind apart. Errors: it did not start. */
export async function startMesher(
  name: "mesher" | "portable",
  context: PeerContext,
  folder: string = name,
): Promise<Peer> {
  const { place } = context;
  const [port, adminPort] = freePorts(2);
  return await started(
    place,
    { name, port: port!, adminPort: adminPort! },
    await mesherCommand(folder, context, {
      service: { name: "Origin", port: context.originPort },
      env: {
        MESHER_OUTBOUND: `127.0.0.1:${port}`,
        MESHER_ADMIN: `127.0.0.1:${adminPort}`,
        ...(name === "portable" ? { MESHER_NET: "portable" } : {}),
      },
    }),
  );
}

/** How a mesher is started that knows one service from a file. Shape: `folder` is made new. */
export async function mesherCommand(
  folder: string,
  { place, root, binary }: Pick<PeerContext, "place" | "root" | "binary">,
  { service, env }: {
    service: { readonly name: string; readonly port: number };
    env: Readonly<Record<string, string>>;
  },
): Promise<{ command: string[]; cwd: string; env: Record<string, string> }> {
  const path = `${place.folder}/${folder}`;
  await Deno.mkdir(path);
  await Deno.writeTextFile(
    `${path}/services.yaml`,
    `- service: ${service.name}\n  instances: ["rest://127.0.0.1:${service.port}"]\n`,
  );
  return {
    command: binary === undefined
      ? [Deno.execPath(), "run", "-A", v8Flags, `${root}main.ts`]
      : [binary],
    cwd: root,
    env: {
      MESHER_REGISTRY: `file://${path}/services.yaml`,
      MESHER_STATE_DIR: `${path}/state`,
      ...env,
    },
  };
}
