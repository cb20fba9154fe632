/** Which values are never shown, and how a tree of values looks without them. */
import { isTree, type Tree } from "./paths.ts";
import { mask } from "./problem.ts";
import { secretPaths } from "./schema.ts";

/** Header fields that carry credentials. */
const secretFields: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
  "set-cookie",
  "x-api-key",
]);

/** Whether a value may be shown. Headers that a route sets are as secret as what they carry. */
export function isSecret(path: readonly PropertyKey[]): boolean {
  if (secretPaths.has(path.map(String).join("."))) return true;
  const [changes, , name] = path.slice(-3).map(String);
  return /^(?:request|response)_headers$/.test(changes ?? "") &&
    secretFields.has((name ?? "").toLowerCase());
}

/** The tree with its secrets masked. Shape: keys as they were. */
export function withoutSecrets(tree: Tree): Tree {
  return hide(tree, []) as Tree;
}

function hide(value: unknown, path: readonly PropertyKey[]): unknown {
  if (value === undefined) return undefined;
  if (isSecret(path)) return mask;
  if (Array.isArray(value)) return value.map((item, index) => hide(item, [...path, index]));
  if (!isTree(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, hide(item, [...path, key])]),
  );
}
