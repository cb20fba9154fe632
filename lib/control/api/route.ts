/** One row of the API's table: path, what it takes, what it answers, and the function that answers. */
import type { Context, Hono } from "hono";
import type * as z from "zod";
import { type Mistake, mistakesOf, mistakesText, problem } from "./problem.ts";

export type Method = "get" | "put" | "post" | "delete";

/** One kind of answer. Without a schema: only the type is documented. */
export interface Answer {
  readonly description: string;
  readonly schema?: z.ZodType;
  /** application/json when left out. */
  readonly types?: readonly string[];
}

/** What the document says of a path. */
export interface RouteDescription {
  readonly method: Method;
  /** As the router writes it: `/services/:name`. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  /** Asked for without the token. */
  readonly open?: boolean;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly answers: Readonly<Record<number, Answer>>;
}

export interface Route extends RouteDescription {
  readonly handle: (context: Context) => Response | Promise<Response>;
}

/** What came with a request, checked. */
export interface Input<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly context: Context;
}

type Value<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

interface RouteOptions<
  Params extends z.ZodObject | undefined,
  Query extends z.ZodObject | undefined,
  Body extends z.ZodType | undefined,
> extends Omit<RouteDescription, "params" | "query" | "body"> {
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  readonly answer: (
    input: Input<Value<Params>, Value<Query>, Value<Body>>,
  ) => Response | Promise<Response>;
}

const maxBodyBytes = 64 * 1024;

/** Puts the checks of its input before an answer. Shape: a mistake is a 400 that names every one of them. */
export function route<
  Params extends z.ZodObject | undefined = undefined,
  Query extends z.ZodObject | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>({ answer, ...description }: RouteOptions<Params, Query, Body>): Route {
  const { params, query, body } = description;
  return {
    ...description as RouteDescription,
    async handle(context) {
      const mistakes: Mistake[] = [];
      const check = (part: string, schema: z.ZodType | undefined, value: unknown): unknown => {
        if (schema === undefined) return undefined;
        const result = schema.safeParse(value);
        if (result.success) return result.data;
        mistakes.push(...mistakesOf(part, result.error.issues));
        return undefined;
      };
      const given = {
        params: check("path", params, context.req.param()),
        query: check("query", query, queryOf(context)),
        body: undefined as unknown,
      };
      if (body !== undefined) {
        const read = await readBody(context);
        if (read instanceof Response) return read;
        given.body = check("body", body, read.value);
      }
      if (mistakes.length > 0) {
        return problem(400, "The request is not understood", {
          detail: mistakesText(mistakes),
          mistakes,
        });
      }
      return await answer(
        { ...given, context } as unknown as Input<Value<Params>, Value<Query>, Value<Body>>,
      );
    },
  };
}

/** Shape: a name that was given twice has an array, which no schema takes. */
function queryOf(context: Context): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(context.req.queries()).map((
      [name, values],
    ) => [name, values.length === 1 ? values[0] : values]),
  );
}

/** Shape: an answer when it cannot be read. An empty body counts as an empty object. */
async function readBody(context: Context): Promise<{ readonly value: unknown } | Response> {
  const tooLong = () =>
    problem(413, "The body is too long", { detail: `At most ${maxBodyBytes} bytes are read.` });
  if (Number(context.req.header("content-length") ?? 0) > maxBodyBytes) return tooLong();
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of context.req.raw.body ?? []) {
    parts.push(part);
    length += part.length;
    if (length > maxBodyBytes) return tooLong();
  }
  const text = await new Blob(parts as Uint8Array<ArrayBuffer>[]).text();
  if (text.trim() === "") return { value: {} };
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return problem(400, "The body is not JSON", {
      detail: error instanceof Error ? error.message : String(error),
    });
  }
}

export function mount(app: Hono, routes: readonly Route[]): void {
  for (const { method, path, handle } of routes) {
    app.on(method.toUpperCase(), path, (context) => handle(context));
  }
}

/** Answers with JSON. */
export function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { "content-type": "application/json" },
  });
}
