/** Where a running sidecar's admin API is, and one question to it: what every command that asks has in common. */
import { type Address, formatAddress } from "../core/address.ts";
import { type OwnFlags, type ParsedFlags, parseFlags } from "../config/flags.ts";
import { loadConfig, type LoadResult } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import type { Config } from "../config/schema.ts";
import { type AskedAnswer, askHttp, type OpenAnswer, openHttp } from "../platform/ask_http.ts";
import type { Io } from "./io.ts";

/** Exit code when nobody could be asked, which is neither yes nor no. */
const cannotAsk = 2;

/** A sidecar that takes longer to answer is not well. Units: milliseconds. */
const answerMs = 5000;

/** What a command line of these commands says, with the place to ask. */
export interface Asking {
  readonly admin: AdminClient;
  readonly parsed: ParsedFlags;
  /** What the configuration of this environment says; the sidecar that is asked may run with another one. */
  readonly config: LoadResult;
}

/** Nobody could be asked, or the answer is of no use; the message is a sentence for people. */
export class AskError extends Error {
  override readonly name = "AskError";
  /** Undefined when there was no answer at all. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

/**
 * Reads flags and configuration. A configuration that is bad is told of and does not keep anybody from asking, since
 * the sidecar may have started before it became so.
 *
 * Shape: `filters` are flags of the command that share their name with a key of the configuration. Undefined for bad
 * flags or no address; every problem has been printed then.
 */
export async function readAsking(
  io: Io,
  own: OwnFlags,
  { filters = [], quiet = false }: {
    readonly filters?: readonly string[];
    /** The caller shows what is wrong with the configuration itself. */
    readonly quiet?: boolean;
  } = {},
): Promise<Asking | undefined> {
  const parsed = parseFlags(io.args, {
    switches: ["json", ...own.switches ?? []],
    values: ["token", ...own.values ?? []],
  });
  const refuse = (lines: readonly string[]) => {
    for (const line of lines) io.stderr(`mesher: ${line}\n`);
    return undefined;
  };
  if (parsed.problems.length > 0) return refuse(parsed.problems.map(formatProblem));
  if (parsed.command !== undefined) return refuse(["this command takes nothing after --"]);
  const flags = Object.fromEntries(
    Object.entries(parsed.flags).filter(([path]) => !filters.includes(path)),
  );
  const config = await loadConfig({
    flags,
    env: io.env,
    readFile: io.readFile,
    ...(parsed.path === undefined ? {} : { path: parsed.path }),
  });
  const usable = config.ok ? config : await loadAdminAlone(io, flags);
  if (!config.ok && (!usable.ok || !quiet)) {
    for (const problem of config.problems) io.stderr(`mesher: ${formatProblem(problem)}\n`);
  }
  if (!usable.ok) return undefined;
  const { admin, adminToken } = usable.config;
  if ("port" in admin && admin.port === 0) return refuse([portZero]);
  const token = parsed.own["token"] ?? adminToken;
  return { admin: new AdminClient(reachable(admin), token), parsed, config };
}

/** Runs what asks. Shape: the exit code; that of `cannotAsk`, with a sentence, when nobody could be asked. */
export async function withAnswers(io: Io, ask: () => Promise<number>): Promise<number> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof AskError)) throw error;
    io.stderr(`mesher: ${error.message}\n`);
    return cannotAsk;
  }
}

const portZero =
  "the admin port is 0, so it cannot be known here; set MESHER_ADMIN, or --admin to what the sidecar's log says";

/** The keys that say whom to ask, whatever else is wrong. */
function loadAdminAlone(io: Io, flags: Readonly<Record<string, string>>): Promise<LoadResult> {
  const pick = (from: Readonly<Record<string, string>>, ...names: readonly string[]) =>
    Object.fromEntries(Object.entries(from).filter(([name]) => names.includes(name)));
  return loadConfig({
    flags: pick(flags, "admin"),
    env: pick(io.env, "MESHER_ADMIN", "MESHER_ADMIN_TOKEN"),
    readFile: io.readFile,
  });
}

/** The address to call for one to listen on. */
export function reachable(address: Config["admin"]): Address {
  if ("path" in address) return address;
  if (address.host === "0.0.0.0") return { ...address, host: "127.0.0.1" };
  if (address.host === "::") return { ...address, host: "::1" };
  return address;
}

interface Question {
  readonly path: string;
  readonly method?: string;
  readonly body?: string;
  readonly timeoutMs?: number;
}

export class AdminClient {
  readonly address: string;
  readonly #address: Address;
  readonly #token: string | undefined;

  constructor(address: Address, token: string | undefined) {
    this.#address = address;
    this.address = formatAddress(address);
    this.#token = token;
  }

  /** Asks with a GET. Shape: the answer's JSON. Errors: AskError. */
  async get(path: string, timeoutMs?: number): Promise<unknown> {
    return read(await this.#ask({ path, ...(timeoutMs === undefined ? {} : { timeoutMs }) }));
  }

  /** Asks with a POST. Shape: the answer's JSON. Errors: AskError. */
  async post(path: string, body: unknown): Promise<unknown> {
    return read(await this.#ask({ path, method: "POST", body: JSON.stringify(body) }));
  }

  /** A GET whose answer goes on. Shape: ends with the signal or the sidecar. Errors: AskError. */
  async open(path: string, signal: AbortSignal): Promise<AsyncGenerator<string>> {
    const late = new AbortController();
    // Only the beginning has to come in time.
    const timer = setTimeout(() => late.abort(new DOMException("late", "TimeoutError")), answerMs);
    let answer: OpenAnswer;
    try {
      const either = AbortSignal.any([signal, late.signal]);
      answer = await openHttp(this.#address, { path, fields: this.#fields(), signal: either });
    } catch (error) {
      throw new AskError(this.#silence(error));
    } finally {
      clearTimeout(timer);
    }
    if (answer.status === 200) return answer.texts;
    const body = (await Array.fromAsync(answer.texts)).join("");
    throw this.#refusal({ status: answer.status, body });
  }

  #fields(): Record<string, string> {
    return this.#token === undefined ? {} : { Authorization: `Bearer ${this.#token}` };
  }

  async #ask(what: Question): Promise<AskedAnswer> {
    const { timeoutMs = answerMs } = what;
    let answer: AskedAnswer;
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      answer = await askHttp(this.#address, { ...what, fields: this.#fields(), signal });
    } catch (error) {
      throw new AskError(this.#silence(error, timeoutMs));
    }
    // A readiness that says no is an answer like any other.
    if (answer.status === 200 || (what.path === "/readyz" && answer.status === 503)) return answer;
    throw this.#refusal(answer);
  }

  #silence(error: unknown, timeoutMs = answerMs): string {
    const name = error instanceof Error ? error.name : "";
    const why = name === "TimeoutError"
      ? `no answer within ${timeoutMs / 1000} s`
      : name === "ConnectionRefused" || name === "NotFound"
      ? "nobody listens there; is a sidecar running, and is this its admin address?"
      : error instanceof Error
      ? error.message
      : String(error);
    return `no sidecar could be asked at ${this.address}: ${why}`;
  }

  #refusal({ status, body }: AskedAnswer): AskError {
    if (status === 401) {
      const given = this.#token === undefined
        ? "it wants a token: set MESHER_ADMIN_TOKEN, or --token"
        : "the token is wrong; it is the admin_token of the sidecar's configuration";
      return new AskError(`the sidecar at ${this.address} does not answer: ${given}`, status);
    }
    return new AskError(
      `the sidecar at ${this.address} refuses: ${problemText(status, body)}`,
      status,
    );
  }
}

/** Errors: AskError when it is no JSON. */
function read({ body }: AskedAnswer): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new AskError("the answer is not JSON: is this the admin address of a mesher sidecar?");
  }
}

function problemText(status: number, body: string): string {
  try {
    const { title, detail } = JSON.parse(body) as { title?: string; detail?: string };
    if (title !== undefined) return detail === undefined ? title : `${title}: ${detail}`;
  } catch {
    // Not ours.
  }
  return `it answers ${status}; is this the admin address of a mesher sidecar?`;
}
