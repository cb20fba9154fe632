/** Texts as JSON has them, made quickly: most of them need no escape. */

/** What must not stand in a JSON text as it is; halves of pairs have no bytes of their own. */
// deno-lint-ignore no-control-regex
const special = /["\\\x00-\x1f\ud800-\udfff]/;

/** Shape: what `JSON.stringify` makes of a text. */
export function quoted(text: string): string {
  return special.test(text) ? JSON.stringify(text) : `"${text}"`;
}
