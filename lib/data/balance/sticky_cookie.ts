/** The cookie that carries a session's id. */

/** The name under which Apache ServiceComb's chassis sets it too, so that clients may cross over with theirs. */
const stickyCookieName = "go-chassisLB";

/** Random bytes in an id. */
export const stickyIdBytes = 32;

/** Shape: URL-safe base64 of the bytes with its padding, 44 characters for 32 bytes. */
export function newStickyId(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}

/**
 * The id in one `Cookie` field.
 *
 * Shape: empty when there is none, or what is there is no id. Both `go-chassisLB=<id>` and the chassis' own
 * `go-chassisLB=go-chassisLB=<id>` are understood, with or without quotes.
 * Source: RFC 6265 section 4.2.1 for the field.
 */
export function readStickyId(cookieField: string): string {
  for (let start = 0; start < cookieField.length;) {
    const found = cookieField.indexOf(";", start);
    const end = found < 0 ? cookieField.length : found;
    const id = idOfPair(cookieField.slice(start, end).trim());
    if (id !== "") return id;
    start = end + 1;
  }
  return "";
}

/** The value of the `Set-Cookie` field for a new session. Shape: gone when the browser is closed. */
export function stickySetCookie(id: string): string {
  return `${stickyCookieName}=${id}; Path=/; HttpOnly; SameSite=Lax`;
}

const prefix = `${stickyCookieName}=`;
/** Long enough not to be guessed, short enough to be kept. */
const idForm = /^[A-Za-z0-9_-]{16,128}={0,2}$/;

function idOfPair(pair: string): string {
  if (!pair.startsWith(prefix)) return "";
  let value = pair.slice(prefix.length);
  if (value.startsWith('"') && value.endsWith('"') && value.length > 1) value = value.slice(1, -1);
  if (value.startsWith(prefix)) value = value.slice(prefix.length);
  return idForm.test(value) ? value : "";
}
