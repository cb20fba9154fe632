/** `mesher explain [METHOD] URL`: what the running sidecar would do with a request, which is not sent. */
import { explanation } from "../control/api/shapes/events.ts";
import { readAsking, withAnswers } from "./admin_client.ts";
import { understood } from "./answers.ts";
import { explainLines } from "./explain_text.ts";
import { exit, type Io } from "./io.ts";

/** A question as the command line puts it. Shape: the mistake as a sentence, where there is one. */
export type ExplainArguments =
  | {
    readonly method: string;
    readonly url: string;
  }
  | { readonly mistake: string };

/** Shape: 0 when it would be sent, 1 when it would fail, 2 when nobody could be asked. */
export async function runExplain(io: Io): Promise<number> {
  const { args, headers, mistake } = takeHeaders(io.args);
  if (mistake !== undefined) return refuse(io, mistake);
  const asking = await readAsking({ ...io, args }, {});
  if (asking === undefined) return exit.usage;
  const { admin, parsed: { own, rest } } = asking;
  const asked = readArguments(rest);
  if ("mistake" in asked) return refuse(io, asked.mistake);
  return await withAnswers(io, async () => {
    const raw = await admin.post("/explain", { ...asked, headers });
    const answer = understood(explanation, raw);
    if (own["json"] === "true") io.stdout(`${JSON.stringify(raw, undefined, 2)}\n`);
    else io.stdout(`${explainLines(answer, asked).join("\n")}\n`);
    return answer.failure === undefined ? exit.ok : exit.failed;
  });
}

function refuse(io: Io, mistake: string): number {
  io.stderr(`mesher: ${mistake}\n`);
  return exit.usage;
}

const usage =
  "explain wants METHOD and URL, for example: mesher explain GET http://AccountService/balance/42";

/** Shape: pure. The method may be left out, and the scheme too. */
export function readArguments(rest: readonly string[]): ExplainArguments {
  const [first, second] = rest;
  if (first === undefined || rest.length > 2) return { mistake: usage };
  const [method, url] = second === undefined ? ["GET", first] : [first, second];
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/.test(method)) return { mistake: usage };
  if (/^https:/i.test(url)) {
    return { mistake: "an https:// URL is tunnelled as it is; mesher sees no request in it" };
  }
  return { method: method.toUpperCase(), url: /^http:\/\//i.test(url) ? url : `http://${url}` };
}

/** Takes `-H 'Name: value'` and `--header` out of the arguments. Shape: pure. */
export function takeHeaders(args: readonly string[]): {
  readonly args: readonly string[];
  readonly headers: readonly (readonly [string, string])[];
  readonly mistake?: string;
} {
  const others: string[] = [];
  const headers: (readonly [string, string])[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]!;
    const given = /^(?:-H|--header)(?:=(.*))?$/s.exec(arg) ?? /^-H(.+)$/s.exec(arg);
    if (given === null) {
      others.push(arg);
      continue;
    }
    const text = given[1] ?? args[++index] ?? "";
    const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(text);
    if (field === null) {
      const shown = JSON.stringify(text);
      return { args, headers, mistake: `-H wants 'Name: value', not ${shown}` };
    }
    headers.push([field[1]!, field[2]!]);
  }
  return { args: others, headers };
}
