/** Answers to cross-origin questions of browsers: the registry's data is open to pages, as in the original. */

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
