/** The groups of keys on traces and on the access log. */
import { parseAccessLogFormat } from "../core/access_log_format.ts";
import { group, leaf, Refusal } from "./leaf.ts";
import { closest } from "../core/closest.ts";
import { percentage } from "./traffic_leaves.ts";
import { count, oneOf, text, yesOrNo } from "./values.ts";

/** Empty for none. */
const file = {
  what: "a file",
  accepts: (path: string) => path === "" || path.trim() !== "",
} as const;

/** Formats in which a trace is told to whoever is called. */
const formats = ["w3c", "b3", "b3multi"] as const;
type Format = typeof formats[number];

/** A list, or `w3c,b3` in a variable. */
function traceFormats(fallback: readonly Format[]) {
  return leaf<readonly Format[]>({
    read: (value) => {
      const items: readonly unknown[] = Array.isArray(value)
        ? value
        : typeof value === "string"
        ? value.split(",").map((item) => item.trim()).filter((item) => item !== "")
        : [value];
      const found = items.map((item) => formats.find((format) => format === item));
      const bad = found.indexOf(undefined);
      if (bad < 0 && found.length > 0) return [...new Set(found as Format[])];
      if (bad < 0) return new Refusal("names no format; write for example [w3c, b3]");
      const suggestion = closest(String(items[bad]), formats);
      return new Refusal(`is not one of ${formats.join(", ")}`, {
        ...(Array.isArray(value) ? { path: [bad] } : {}),
        ...(suggestion === undefined ? {} : { suggestion }),
      });
    },
    write: (list) => [...list],
  }).prefault(fallback);
}

/** Keys of a collector do not belong into its address, which is shown. */
function isCollector(address: string): boolean {
  try {
    const { protocol, hostname, username, password, hash } = new URL(address);
    return /^https?:$/.test(protocol) && hostname !== "" && username + password + hash === "";
  } catch {
    return false;
  }
}

export const tracing = group({
  endpoint: text({
    what: "the address of a collector (http:// or https://, without user and password)",
    accepts: (address) => address === "" || isCollector(address),
    example: "http://127.0.0.1:4318",
  }).prefault(""),
  format: oneOf(["otlp", "zipkin"], "otlp"),
  headers_file: text(file).prefault(""),
  sample_percent: percentage(10),
  per_second: count(100, { min: 0, max: 1_000_000 }),
  propagate: traceFormats(["w3c"]),
});

/** Shape: the text as it is written; whoever uses it parses it again. */
function lineFormat(fallback: string) {
  return leaf<string>({
    read: (value) => {
      if (typeof value !== "string") {
        return new Refusal("is not a format; write json, or for example %{time} %{status} %{path}");
      }
      const format = parseAccessLogFormat(value);
      return typeof format === "string" ? new Refusal(format) : value;
    },
    write: (value) => value,
  }).prefault(fallback);
}

export const accessLog = group({
  enabled: yesOrNo(false),
  format: lineFormat("json"),
  share_percent: percentage(100),
  file: text(file).prefault(""),
});
