/** The few shapes of answers on the wire. */
import type { Answer } from "./partition.ts";

const jsonType = "application/json; charset=UTF-8";
const emptyType = "text/plain; charset=UTF-8";
const textType = "text/plain; charset=utf-8";

/** A JSON answer. Shape: `body` is a value, or JSON text that is sent as it is. */
export function json(
  body: object | string,
  options: { readonly status?: number; readonly headers?: Record<string, string> } = {},
): Response {
  return new Response(typeof body === "string" ? body : JSON.stringify(body), {
    status: options.status ?? 200,
    headers: { "Content-Type": jsonType, ...options.headers },
  });
}

/** Success without a payload: no `{}`, no `null`, zero bytes. */
export function done(headers: Record<string, string> = {}): Response {
  return new Response(null, { headers: { "Content-Type": emptyType, ...headers } });
}

export function text(status: number, body: string, headers: Record<string, string> = {}): Response {
  return new Response(body, { status, headers: { "Content-Type": textType, ...headers } });
}

export function notFound(): Response {
  return text(404, "404 page not found\n");
}

export function methodNotAllowed(allowed: readonly string[]): Response {
  return text(405, "Method Not Allowed\n", { "Allow": allowed.join(", ") });
}

/**
 * A list of instances with its revision, or 304 when the caller has that revision.
 *
 * Shape: `{}` for no instance. `seen` is undefined when the caller wants the list in any case.
 */
export function instanceList(answer: Answer, seen: string | undefined): Response {
  if (seen === answer.revision) return unchanged(answer);
  const body = answer.listed === "" ? "{}" : `{"instances":[${answer.listed}]}`;
  return json(body, { headers: { "X-Resource-Revision": answer.revision } });
}

/** As `instanceList`, for one instance. */
export function oneOf(answer: Answer, seen: string | undefined): Response {
  if (seen === answer.revision) return unchanged(answer);
  return json(`{"instance":${answer.listed}}`, {
    headers: { "X-Resource-Revision": answer.revision },
  });
}

function unchanged(answer: Answer): Response {
  return new Response(null, {
    status: 304,
    headers: { "X-Resource-Revision": answer.revision },
  });
}
