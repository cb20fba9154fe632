/** How the configuration says which hosts outside the mesh may be called. */
import * as z from "zod";
import { required } from "./collections.ts";
import { keys, leaf, Refusal } from "./leaf.ts";
import { portNumber } from "./app_leaf.ts";
import { oneOf, text } from "./values.ts";

const label = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;

/** A host name or address, `*.` and a name for every name below it, or `*` for every host. */
function isHostPattern(pattern: string): boolean {
  if (pattern === "*") return true;
  const v6 = /^\[?([0-9A-Fa-f]*:[0-9A-Fa-f:.]+)\]?$/.exec(pattern);
  if (v6) return URL.canParse(`http://[${v6[1]}]`);
  const isWild = pattern.startsWith("*.");
  const labels = (isWild ? pattern.slice(2) : pattern).split(".");
  // The last label of a name is never a number: below an address there is nothing.
  if (isWild && /^\d+$/.test(labels[labels.length - 1]!)) return false;
  return pattern.length <= 253 && labels.every((part) => label.test(part));
}

const host = text({
  what: "a host name or address; only its first label may be *",
  accepts: isHostPattern,
  example: "www.example.com, *.example.com or *",
});

const port = leaf<number>({
  read: (value) => portNumber(value) ?? new Refusal("is not a port from 1 to 65535"),
  write: (number) => number,
});

/** One rule. Shape: no `ports` means all of them. */
export const egressRule = keys({
  hosts: z.array(host).min(1, "is empty; name a host, or * for all"),
  ports: z.array(port).prefault([]),
  action: required(oneOf(["allow", "deny"], "allow")),
});
