/** `mesher --help` and `mesher version`. */
import { builtAt, commit, version } from "../app/build_info.ts";
import { platform } from "../platform/host.ts";

export const helpText = `mesher: a sidecar that finds, balances and retries calls between services

  mesher [flags]                the sidecar
  mesher run [flags] -- CMD     the sidecar and an application, started and ended in order
  mesher registry [--public]    the embedded registry alone
  mesher demo [--keep]          registry, services and a caller in one go
  mesher check [FILE]           validates the configuration and prints the effective one
  mesher health [--ready]       asks the sidecar on this host; code 0 when it is well
  mesher drain                  in a container: takes the application out of the mesh, goes on serving it
  mesher version                what this build is
  mesher --help                 this text

The application uses it with http_proxy=http://127.0.0.1:30101 and calls http://ServiceName/path.

Every key of the configuration is a flag (--timeouts.connect=2s), a variable (MESHER_TIMEOUTS_CONNECT) and a key of the
YAML file that --config or MESHER_CONFIG names. config/mesher.yaml lists them all. The ones most used:

  MESHER_SERVICE    name of the own service; unset: consumer only
  MESHER_PORTS      ports of the application: rest:8080
  MESHER_REGISTRY   http://host:30100, file:///path, embedded: (unset: the first sidecar on a host serves one)
  MESHER_CHECK      how the application is checked: tcp, http:/healthz, none
  MESHER_OUTBOUND, MESHER_INBOUND, MESHER_ADMIN, MESHER_ADVERTISE   addresses
`;

export function versionText(): string {
  const { os, arch, deno, v8 } = platform;
  const origin = builtAt === undefined
    ? "not built, runs from source"
    : `commit ${commit ?? "unknown"}, built ${builtAt}`;
  return `mesher ${version} (${os} ${arch}, Deno ${deno}, V8 ${v8})\n${origin}\n`;
}
