/** Header fields from a file, for collectors that want to know who sends: keys that stand in no configuration. */

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const value = /^[\t\x20-\x7e\x80-\uffff]*$/;
/** What frames the request is not for a file to say. */
const own = new Set(["host", "content-length", "content-type", "transfer-encoding", "connection"]);

/**
 * Reads `Name: value`, one a line; empty lines and those that begin with # are passed over.
 *
 * Errors: Error that names the line, and never what stands in it.
 */
export function parseHeaderLines(text: string): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon)).trim().toLowerCase();
    const content = line.slice(colon + 1).trim();
    if (!token.test(name) || !value.test(content)) {
      throw new Error(`line ${index + 1} is not a header field; write Name: value`);
    }
    if (own.has(name)) throw new Error(`line ${index + 1} sets ${name}, which cannot be set`);
    headers[name] = content;
  }
  return headers;
}
