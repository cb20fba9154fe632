/** The command line of the benchmark. */
import { type PeerName, peerNames } from "./peers.ts";

export const usage = `deno task bench [flags]
  --quick           one short round with 32 and 256 connections
  --rounds N        rounds, alternated over the peers (default 5)
  --seconds N       length of one measurement (default 2)
  --only a,b        only these of: ${peerNames.join(", ")} (the origin always runs)
  --binary FILE     measure this compiled mesher in place of main.ts
Nothing is installed: peers that are not here are named and left out.`;

export interface BenchOptions {
  readonly kind: "run";
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: readonly number[];
  readonly peers: readonly PeerName[];
  readonly binary?: string;
}

export type ParsedArgs =
  | BenchOptions
  | { readonly kind: "help" }
  | { readonly kind: "wrong"; readonly message: string };

/** Shape: pure. A flag's value follows it, with a space or an equals sign between. */
export function parseArgs(args: readonly string[]): ParsedArgs {
  const words = args.flatMap((arg) => {
    const equals = arg.startsWith("--") ? arg.indexOf("=") : -1;
    return equals < 0 ? [arg] : [arg.slice(0, equals), arg.slice(equals + 1)];
  });
  let quick = false;
  let rounds: number | undefined;
  let seconds: number | undefined;
  let binary: string | undefined;
  let peers: readonly PeerName[] = peerNames;
  for (let at = 0; at < words.length; at++) {
    const flag = words[at]!;
    if (flag === "--help" || flag === "-h") return { kind: "help" };
    if (flag === "--quick") {
      quick = true;
      continue;
    }
    if (!["--rounds", "--seconds", "--only", "--binary"].includes(flag)) {
      return { kind: "wrong", message: `unknown flag ${flag}` };
    }
    const value = words[++at];
    if (value === undefined) return { kind: "wrong", message: `${flag} needs a value` };
    if (flag === "--binary") binary = value;
    else if (flag === "--only") {
      const names = value.split(",").map((name) => name.trim());
      const unknown = names.find((name) => !isPeerName(name));
      if (unknown !== undefined) {
        const known = peerNames.join(", ");
        return { kind: "wrong", message: `--only: no peer "${unknown}"; there are ${known}` };
      }
      peers = peerNames.filter((name) => names.includes(name));
    } else {
      const number = Number(value);
      if (!Number.isInteger(number) || number < 1) {
        return { kind: "wrong", message: `${flag} needs a whole number from 1, not "${value}"` };
      }
      if (flag === "--rounds") rounds = number;
      else seconds = number;
    }
  }
  return {
    kind: "run",
    rounds: rounds ?? (quick ? 1 : 5),
    seconds: seconds ?? 2,
    connections: quick ? [32, 256] : [1, 5, 32, 256, 512, 1000],
    peers,
    ...(binary === undefined ? {} : { binary }),
  };
}

function isPeerName(name: string): name is PeerName {
  return peerNames.some((one) => one === name);
}
