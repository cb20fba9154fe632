/** Rewrites the target of a request, and makes the address of a redirect; neither can break out of its line. */
import { compilePattern } from "../../core/pattern/pattern.ts";
import type { PathRewrite, RouteRule } from "../../core/traffic.ts";
import { inPlace, PolicyError } from "./policy_error.ts";

/** Takes and gives path and query as one text. */
export type TargetRewrite = (target: string) => string;

/**
 * Compiles a rewrite of the path; the query stays as it is.
 *
 * A prefix is taken in whole segments: `/v1` is one of `/v1` and `/v1/a`, not of `/v10`. With both members the prefix
 * comes first. `*` and what does not fit stay as they are.
 *
 * Shape: the result begins with a slash and has no character that may not stand in a request line.
 * Errors: PolicyError.
 */
export function compilePathRewrite({ prefix, regex }: PathRewrite): TargetRewrite {
  const steps: TargetRewrite[] = [];
  if (prefix !== undefined) steps.push(inPlace("prefix", () => prefixStep(prefix)));
  if (regex !== undefined) steps.push(inPlace("regex", () => regexStep(regex)));
  return (target) => {
    const mark = target.indexOf("?");
    let path = mark < 0 ? target : target.slice(0, mark);
    if (path === "") path = "/";
    if (path[0] !== "/") return target;
    for (const step of steps) path = step(path);
    if (path[0] !== "/") path = `/${path}`;
    path = safeTarget(path);
    if (mark < 0) return path;
    // The new path may bring parameters of its own.
    return path.includes("?")
      ? `${path}&${safeTarget(target.slice(mark + 1))}`
      : path + safeTarget(target.slice(mark));
  };
}

function prefixStep({ from, to }: NonNullable<PathRewrite["prefix"]>): TargetRewrite {
  if (!from.startsWith("/")) throw new PolicyError(`from is ${JSON.stringify(from)}; begin with /`);
  if (/[?#]/.test(from + to)) throw new PolicyError("a prefix has neither a query nor a fragment");
  const base = from.endsWith("/") ? from.slice(0, -1) : from;
  const start = to.endsWith("/") ? to.slice(0, -1) : to;
  return (path) => {
    if (!path.startsWith(base)) return path;
    const rest = path.slice(base.length);
    // `/v1/` as prefix is not one of `/v1`.
    if (rest === "") return from === base ? to : path;
    return rest[0] === "/" ? start + rest : path;
  };
}

function regexStep({ pattern, to }: NonNullable<PathRewrite["regex"]>): TargetRewrite {
  if (to.includes("#")) throw new PolicyError("a target has no fragment; write %23 for a #");
  const compiled = compilePattern(pattern);
  const parts = replacement(to, compiled.groups);
  return (path) => {
    const places = compiled.find(path);
    if (places === undefined) return path;
    let middle = "";
    for (const part of parts) {
      if (typeof part === "string") middle += part;
      else if (places[2 * part]! >= 0) {
        middle += path.slice(places[2 * part]!, places[2 * part + 1]!);
      }
    }
    return path.slice(0, places[0]!) + middle + path.slice(places[1]!);
  };
}

/** Texts and numbers of groups. `$$` is a dollar, `$0` and `$&` the whole. */
function replacement(template: string, groups: number): readonly (string | number)[] {
  const parts: (string | number)[] = [];
  let from = 0;
  for (const { 0: mark, index } of template.matchAll(/\$(?:\d{1,2}|[$&])/g)) {
    parts.push(template.slice(from, index));
    from = index + mark.length;
    if (mark === "$$") parts.push("$");
    else if (mark === "$&") parts.push(0);
    else {
      let group = Number(mark.slice(1));
      // `$12` with fewer than twelve groups is the first and a 2.
      if (group > groups && group > 9) {
        group = Math.floor(group / 10);
        from--;
      }
      if (group > groups) {
        throw new PolicyError(`to names $${group}, but the pattern has ${groups} groups`);
      }
      parts.push(group);
    }
  }
  parts.push(template.slice(from));
  return parts.filter((part) => part !== "");
}

const unsafe = /[^\x21\x22\x24-\x7e]/;

/** Escapes what may not stand in a request line or would end the target: blanks, controls, `#`, all beyond ASCII. */
function safeTarget(text: string): string {
  if (!unsafe.test(text)) return text;
  let safe = "";
  for (const char of text) {
    if (!unsafe.test(char)) safe += char;
    else for (const byte of utf8.encode(char)) safe += escapeOf(byte);
  }
  return safe;
}

const utf8 = new TextEncoder();

function escapeOf(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}

export interface Redirect {
  readonly status: number;
  /** Value of Location for a request's path and query. */
  readonly location: TargetRewrite;
}

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Errors: PolicyError for another status than 301, 302, 303, 307 and 308, and for a location that cannot be one. */
export function compileRedirect(
  { status, location }: NonNullable<RouteRule["redirect"]>,
): Redirect {
  if (!redirects.has(status)) {
    throw new PolicyError(`the status is ${status}; write 301, 302, 303, 307 or 308`);
  }
  // deno-lint-ignore no-control-regex
  if (location === "" || /[\x00-\x20\x7f]/.test(location)) {
    throw new PolicyError(`the location ${JSON.stringify(location)} is empty or has a blank in it`);
  }
  if (/^[/\\]+\$path/.test(location)) {
    throw new PolicyError(`${location} would name a host, for $path has a slash of its own`);
  }
  return { status, location: (target) => redirectLocation(location, target) };
}

/** Puts path and query of a request where `$path` stands. */
export function redirectLocation(template: string, target: string): string {
  let path = safeTarget(target[0] === "/" ? target : `/${target}`);
  // At the beginning two slashes would name another host, and browsers read \ as /.
  if (template.startsWith("$path")) path = path.replace(/^[/\\]+/, "/");
  return escapedText(template).replaceAll("$path", () => path);
}

/** A template may have a fragment. */
function escapedText(template: string): string {
  return template.split("#").map(safeTarget).join("#");
}
