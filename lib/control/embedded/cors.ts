/** Calls of web pages: the registry's data is open to them, as in the original, but they cannot change it. */
import { isIpLiteral } from "../../core/address.ts";
import { json } from "./answers.ts";
import { RegistryFault } from "./faults.ts";

const methods: readonly string[] = ["GET", "POST", "PUT", "DELETE", "UPDATE"];

/** The answer to any OPTIONS. Shape: undefined for other methods. */
export function preflight(request: Request): Response | undefined {
  if (request.method !== "OPTIONS") return undefined;
  const asked = request.headers.get("Access-Control-Request-Method");
  const headers = new Headers({ "Vary": "Origin" });
  if (asked !== null && methods.includes(asked) && request.headers.has("Origin")) {
    headers.set("Access-Control-Allow-Origin", "*");
    headers.set("Access-Control-Allow-Methods", asked);
    const wanted = request.headers.get("Access-Control-Request-Headers");
    if (wanted !== null) headers.set("Access-Control-Allow-Headers", wanted);
  }
  return new Response(null, { headers });
}

/** A find of many services that is sent with a body; it changes nothing. */
const reading = /\/registry\/instances\/action$/;

/**
 * The refusal of a call that changes something and comes from a page of another origin: whoever visits a page must not
 * be made to write into the registry of the own host or network. Shape: undefined for all other calls.
 */
export function refuseForeignWrite(request: Request): Response | undefined {
  const origin = request.headers.get("Origin");
  if (origin === null || ["GET", "HEAD", "OPTIONS"].includes(request.method)) return undefined;
  if (isOwnOrigin(origin, request) || reading.test(new URL(request.url).pathname)) return undefined;
  const fault = new RegistryFault(
    "403001",
    "A web page of another origin may read here and not write; leave out the Origin header if no browser is involved.",
  );
  return json(fault, { status: fault.status });
}

/** A name that a page chose for this address does not make its pages our own; an address or localhost does. */
function isOwnOrigin(origin: string, request: Request): boolean {
  const host = request.headers.get("Host") ?? new URL(request.url).host;
  if (!URL.canParse(origin) || new URL(origin).host !== host.toLowerCase()) return false;
  const name = new URL(origin).hostname.replace(/^\[|\]$/g, "");
  return name === "localhost" || isIpLiteral(name);
}
