/** `mesher --help` and `mesher version`. */
import { builtAt, commit, version } from "../app/build_info.ts";
import { platform } from "../platform/host.ts";

export const helpText = `mesher: a sidecar that finds, balances and retries calls between services

  mesher [flags]                the sidecar
  mesher run [flags] -- CMD     the sidecar and an application, started and ended in order
  mesher registry [--public]    the embedded registry alone
  mesher demo [--keep]          registry, services and a caller in one go
  mesher check [FILE]           validates the configuration and prints the effective one
  mesher status                 how the running sidecar is, in a table
  mesher explain METHOD URL     what it would do with a request, and why; nothing is sent
  mesher tap                    its requests as they end
  mesher top                    its busiest services, anew every two seconds
  mesher doctor                 what is wrong with it and around it, each finding with its fix
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

const asking = `
  --admin ADDRESS   admin address of the sidecar; default: MESHER_ADMIN, the configuration's, 127.0.0.1:30102
  --token TOKEN     its admin_token; default: MESHER_ADMIN_TOKEN, which other users of the host cannot see
  --json            the answers as JSON
`;

/** Help of single commands, by name. */
export const commandHelp: Readonly<Record<string, string>> = {
  status: `mesher status [--all]: how the running sidecar is
${asking}  --all             every service and endpoint, however many

Code 0: ready. 1: not ready. 2: nobody could be asked.
`,
  explain:
    `mesher explain [METHOD] URL [-H 'Name: value']...: what the running sidecar would do with a request

It walks the way of a real request: name, rules, candidates and why each may not be picked, pick, what follows a failure.
Nothing is sent and nothing is counted.
${asking}  -H 'Name: value'  a header field; may be given several times

Code 0: it would be sent. 1: it would fail. 2: nobody could be asked.
`,
  tap: `mesher tap [filters]: requests of the running sidecar as they end; Ctrl-C ends it
${asking}
  --service NAME    only calls to this service
  --method METHOD   only this method
  --path PREFIX     only paths that begin so
  --status STATUS   only this status (503) or class (5xx)
  --role ROLE       only outbound or inbound
  --failures        only failures that the sidecar made itself
  --limit N         ends after so many requests
  --seconds S       ends after this time

Code 0: ended by one of these, by Ctrl-C or with the sidecar. 2: nobody could be asked.
`,
  top: `mesher top [--seconds N] [--count N]: the busiest services and endpoints; Ctrl-C ends it
${asking}  --seconds N       time between two looks; default 2
  --count N         ends after so many looks

Code 0: ended. 2: nobody could be asked.
`,
  doctor:
    `mesher doctor [--all]: what is wrong with the running sidecar and around it, each finding with its fix

Without a sidecar it looks at what one would meet here: configuration, ports, registry, application, variables.
${asking}  --all             shows what is well and what could not be looked at, too

Code 0: no findings. 1: findings. 2: a sidecar is there that could not be asked.
`,
};

export function versionText(): string {
  const { os, arch, deno, v8 } = platform;
  const origin = builtAt === undefined
    ? "not built, runs from source"
    : `commit ${commit ?? "unknown"}, built ${builtAt}`;
  return `mesher ${version} (${os} ${arch}, Deno ${deno}, V8 ${v8})\n${origin}\n`;
}
