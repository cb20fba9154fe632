/** Who may call the admin API: by which name, from which page, with which token. */
import type { MiddlewareHandler } from "hono";
import { isIpLiteral, isLoopbackHost } from "../../core/address.ts";
import { problem } from "./problem.ts";

export interface GuardOptions {
  /** Read at every request, since a reload may change it. */
  readonly token: () => string | undefined;
  /** Where the API listens; undefined for a unix socket. */
  readonly host: string | undefined;
  readonly hostName: string | undefined;
  /** Paths that need no token. */
  readonly open: (method: string, path: string) => boolean;
}

const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/** Fields that every answer carries. `default-src 'none'` holds for JSON too, should a browser show it. */
const fields: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

export function guard(options: GuardOptions): MiddlewareHandler {
  return async (context, next) => {
    const { raw: request, path } = context.req;
    const refusal = refusalOf({ request, path }, options);
    if (refusal === undefined) await next();
    else context.res = refusal;
    guarded(context.res);
  };
}

/** The same answer, with the fields that every answer carries. */
export function guarded(answer: Response): Response {
  for (const [name, value] of Object.entries(fields)) answer.headers.set(name, value);
  return answer;
}

/** The answer to a request that may not be made; undefined for one that may. */
export function refusalOf(
  { request, path }: { readonly request: Request; readonly path: string },
  options: GuardOptions,
): Response | undefined {
  const { method, headers } = request;
  const host = headers.get("host");
  if (host !== null && !isOwnName(host, options)) {
    return problem(421, "This name does not lead here", {
      detail: `The request is for ${shown(host)}. A page of another name may not read this ` +
        "address through a browser; call it by its address or by localhost.",
    });
  }
  const token = options.token();
  if (token !== undefined && !options.open(method, path)) {
    const given = headers.get("authorization") ?? "";
    if (!sameText(given, `Bearer ${token}`)) {
      return problem(401, "The token is missing or wrong", {
        detail: "Send Authorization: Bearer with the admin_token of the configuration.",
        headers: { "www-authenticate": 'Bearer realm="mesher"' },
      });
    }
  }
  if (safeMethods.has(method)) return undefined;
  const origin = headers.get("origin");
  const site = headers.get("sec-fetch-site");
  if (
    (origin !== null && !isOwnOrigin(origin, host)) ||
    (site !== null && site !== "same-origin" && site !== "none")
  ) {
    return problem(403, "A page from elsewhere may not change anything here", {
      detail: `The request was made by a page of ${shown(origin ?? "another site")}.`,
    });
  }
  // Without a body a browser asks beforehand whether it may send a DELETE.
  if (method === "DELETE" && Number(headers.get("content-length") ?? 0) === 0) {
    return undefined;
  }
  const type = headers.get("content-type") ?? "";
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type)) {
    return problem(415, "The content type has to be application/json", {
      detail: "Send Content-Type: application/json, with an empty body too.",
    });
  }
  return undefined;
}

/**
 * A page can make a browser take its own name for this machine's address, but not an address for another.
 *
 * Shape: any address literal will do where callers from elsewhere are expected.
 */
function isOwnName(field: string, { host, hostName }: GuardOptions): boolean {
  if (host === undefined) return true;
  const name = hostOf(field);
  if (name === undefined) return false;
  if (isLoopbackHost(name) || name === host.toLowerCase()) return true;
  if (isLoopbackHost(host)) return false;
  return isIpLiteral(name) || name === hostName?.toLowerCase();
}

/** The host of a Host field, in lower case and without brackets. */
function hostOf(field: string): string | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::\d{1,5})?$/.exec(field.trim());
  return (match?.[1] ?? match?.[2])?.toLowerCase().replace(/\.$/, "");
}

function isOwnOrigin(origin: string, host: string | null): boolean {
  const match = /^https?:\/\/(.+)$/i.exec(origin);
  return match !== null && host !== null && match[1]!.toLowerCase() === host.toLowerCase();
}

/** A text from outside for a message. */
function shown(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}

/** Compares without telling by its time where the texts differ. */
function sameText(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let index = 0; index < a.length; index++) {
    difference |= a.charCodeAt(index) ^ b.charCodeAt(index % Math.max(1, b.length));
  }
  return difference === 0;
}
