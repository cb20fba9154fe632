import { assertEquals } from "@test/assert";
import { type OwnFlags, parseFlags } from "../../../lib/config/flags.ts";
import { formatProblem } from "../../../lib/config/problem.ts";

const own: OwnFlags = { switches: ["public", "h"], values: ["count"] };
const nothing = { flags: {}, own: {}, rest: [], problems: [] };

const rows: readonly (readonly [readonly string[], object])[] = [
  [[], {}],
  [["--log", "debug"], { flags: { log: "debug" } }],
  [["--log=debug"], { flags: { log: "debug" } }],
  [["--timeouts.connect=2s"], { flags: { "timeouts.connect": "2s" } }],
  [["--timeouts.body-idle", "2s"], { flags: { "timeouts.body_idle": "2s" } }],
  [["--timeouts.body_idle", "2s"], { flags: { "timeouts.body_idle": "2s" } }],
  [["--registry-listen", ":0"], { flags: { registry_listen: ":0" } }],
  [["--log", "warn", "--log=debug"], { flags: { log: "debug" } }],
  [["--properties=a=b,c=d"], { flags: { properties: "a=b,c=d" } }],
  [["--environment="], { flags: { environment: "" } }],
  [["--via"], { flags: { via: "true" } }],
  [["--via", "--log", "warn"], { flags: { via: "true", log: "warn" } }],
  [["--via", "false"], { flags: { via: "false" } }],
  [["--via", "file"], { flags: { via: "true" }, rest: ["file"] }],
  [["--config", "a.yaml"], { path: "a.yaml" }],
  [["--config=a.yaml", "b", "-"], { path: "a.yaml", rest: ["b", "-"] }],
  [["--config", "-"], { path: "-" }],
  [["--public", "x"], { own: { public: "true" }, rest: ["x"] }],
  [["--public=false"], {}],
  [["-h"], { own: { h: "true" } }],
  [["--count", "3"], { own: { count: "3" } }],
  [["--log=warn", "--", "app", "--log=x", "--"], {
    flags: { log: "warn" },
    command: ["app", "--log=x", "--"],
  }],
  [["--"], { command: [] }],
];

for (const [args, expected] of rows) {
  Deno.test(`the arguments ${JSON.stringify(args)} are read`, () => {
    assertEquals(parseFlags(args, own), { ...nothing, ...expected });
  });
}

const refused: readonly (readonly [readonly string[], string])[] = [
  [["--lgo", "x"], "--lgo: is not a flag of this command; did you mean --log?"],
  [
    ["--timeout.connect=1s"],
    "--timeout.connect: is not a flag of this command; did you mean --timeouts.connect?",
  ],
  [["--pubic"], "--pubic: is not a flag of this command; did you mean --public?"],
  [["--frobnicate"], "--frobnicate: is not a flag of this command"],
  [["-x"], "-x: is not a flag of this command"],
  [["-public"], "-public: is not a flag of this command; did you mean --public?"],
  [["-log", "warn"], "-log: is not a flag of this command; did you mean --log?"],
  [["--log"], "--log: needs a value; write --log=VALUE"],
  [["--log", "--via"], "--log: needs a value; write --log=VALUE"],
  [["--config"], "--config: needs a value; write --config=VALUE"],
  [["--public=maybe"], "--public: takes no value"],
  [
    ["--admin-tokn=geheim"],
    "--admin-tokn: is not a flag of this command; did you mean --admin-token?",
  ],
];

for (const [args, line] of refused) {
  Deno.test(`the arguments ${JSON.stringify(args)} are refused with a reason`, () => {
    const lines = parseFlags(args, own).problems.map(formatProblem);
    assertEquals(lines, [`${line} (from the command line)`]);
  });
}
