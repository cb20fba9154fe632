/** The leaf that says how the application beside this sidecar is checked. */
import * as z from "zod";
import type { CheckSpec } from "../core/check.ts";
import type { LocalPort } from "../core/types.ts";
import { portNumber } from "./app_leaf.ts";
import { leaf, Refusal } from "./leaf.ts";
import { closest } from "../core/closest.ts";

interface StatusRange {
  readonly statusMin: number;
  readonly statusMax: number;
}

/** One check of the application. Without a port it goes to the first application port. */
export type AppCheck =
  | { readonly type: "tcp"; readonly port?: number }
  | {
    readonly type: "http";
    readonly port?: number;
    readonly path: string;
    /** Inclusive bounds of the status that counts as passed. */
    readonly statusMin: number;
    readonly statusMax: number;
    /** Source of a regular expression that the body has to match somewhere. */
    readonly body?: string;
  };

const good: StatusRange = { statusMin: 200, statusMax: 299 };
const forms = "write for example tcp, tcp:9000, http:/healthz, http:9000/healthz=200-299 or none";

function readStatus(value: unknown): StatusRange | undefined {
  const match = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(String(value));
  if (!match) return undefined;
  const statusMin = Number(match[1]);
  const statusMax = Number(match[2] ?? match[1]);
  return statusMin <= statusMax ? { statusMin, statusMax } : undefined;
}

function readText(text: string): AppCheck | Refusal {
  const [, type, portText, path, statusText] =
    /^(tcp|http)(?::(\d+))?(?:(?::|(?<=\d))(\/.*?))?(?:=(\d{3}(?:-\d{3})?))?$/.exec(text) ?? [];
  const port = portText === undefined ? undefined : portNumber(portText);
  const wrong = new Refusal(`is not a check; ${forms}`);
  if (type === undefined || (portText !== undefined && port === undefined)) return wrong;
  const at = port === undefined ? {} : { port };
  if (type === "tcp") {
    return path === undefined && statusText === undefined ? { type, ...at } : wrong;
  }
  const status = statusText === undefined ? good : readStatus(statusText);
  if (path === undefined || /\s/.test(path) || status === undefined) return wrong;
  return { type: "http", ...at, path, ...status };
}

const port = z.unknown().transform((value, context) => {
  const read = portNumber(value);
  if (read === undefined) context.addIssue("is not a port from 1 to 65535");
  return read ?? z.NEVER;
});

const status = z.unknown().transform((value, context) => {
  const read = readStatus(value);
  if (read === undefined) {
    context.addIssue('is not a range of statuses; write for example "200-299"');
  }
  return read ?? z.NEVER;
});

const path = z.string("is not a path; write for example /healthz")
  .regex(/^\/\S*$/, "is not a path; write for example /healthz");

const body = z.string("is not a regular expression; put it in quotes").refine((source) => {
  try {
    return new RegExp(source) !== undefined;
  } catch {
    return false;
  }
}, "is not a regular expression");

const byType = {
  tcp: z.strictObject({ type: z.literal("tcp"), port: port.optional() }),
  http: z.strictObject({
    type: z.literal("http"),
    port: port.optional(),
    path: path.optional(),
    status: status.optional(),
    body: body.optional(),
  }),
} as const;

function readMap(value: object): AppCheck | Refusal {
  const type = "type" in value ? value.type : undefined;
  if (type !== "tcp" && type !== "http") {
    const suggestion = closest(String(type), ["tcp", "http"]);
    return new Refusal("must be tcp or http", {
      path: ["type"],
      ...(suggestion === undefined || type === undefined ? {} : { suggestion }),
    });
  }
  const parsed = byType[type].safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    if (issue.code !== "unrecognized_keys") {
      return new Refusal(issue.message, { path: issue.path.map(String) });
    }
    const key = issue.keys[0]!;
    const suggestion = closest(key, Object.keys(byType[type].shape));
    return new Refusal(`is not a key of a check of type ${type}`, {
      path: [key],
      ...(suggestion === undefined ? {} : { suggestion }),
    });
  }
  const check = parsed.data;
  const at = check.port === undefined ? {} : { port: check.port };
  if (check.type === "tcp") return { type: "tcp", ...at };
  return {
    type: "http",
    ...at,
    path: check.path ?? "/",
    ...check.status ?? good,
    ...(check.body === undefined ? {} : { body: check.body }),
  };
}

/** Reads one check, several by comma, a list of texts and maps, or `none`, which is the empty list. */
function readChecks(value: unknown): readonly AppCheck[] | Refusal {
  if (value === "none") return [];
  const items = Array.isArray(value)
    ? value
    : typeof value === "string"
    ? value.split(",").map((item) => item.trim()).filter((item) => item !== "")
    : [value];
  if (items.length === 0 && !Array.isArray(value)) return new Refusal(`is not a check; ${forms}`);
  const checks: AppCheck[] = [];
  for (const [index, item] of items.entries()) {
    const check = typeof item === "string"
      ? readText(item)
      : typeof item === "object" && item !== null
      ? readMap(item)
      : new Refusal(`is not a check; ${forms}`);
    if (check instanceof Refusal) {
      const path = [...(Array.isArray(value) ? [index] : []), ...(check.details.path ?? [])];
      return new Refusal(check.expectation, { ...check.details, path });
    }
    checks.push(check);
  }
  return checks;
}

function writeCheck(check: AppCheck): unknown {
  const at = check.port === undefined ? "" : `:${check.port}`;
  if (check.type === "tcp") return `tcp${at}`;
  const { statusMin, statusMax, ...rest } = check;
  const range = statusMin === statusMax ? `${statusMin}` : `${statusMin}-${statusMax}`;
  const text = `http${at === "" ? ":" : at}${check.path}=${range}`;
  // Only the map can say a body, and only it is clear about a path that holds a comma.
  if (check.body === undefined && !check.path.includes(",")) return text;
  return { ...rest, status: range };
}

export function appChecks() {
  return leaf<readonly AppCheck[]>({
    read: readChecks,
    write: (checks) => checks.length === 0 ? "none" : checks.map(writeCheck),
  }).prefault("tcp");
}

/**
 * The checks with the ports they go to: where none is given, tcp goes to the first application port and http to the
 * first that speaks HTTP. Without any port such a check has nothing to ask and is left out.
 */
export function checkSpecs(
  checks: readonly AppCheck[],
  ports: readonly LocalPort[],
): readonly CheckSpec[] {
  const first = ports[0]?.port;
  const firstHttp = ports.find(({ protocol }) => protocol === "rest")?.port ?? first;
  return checks.flatMap((check) => {
    const port = check.port ?? (check.type === "http" ? firstHttp : first);
    return port === undefined ? [] : [{ ...check, port }];
  });
}
