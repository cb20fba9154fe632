/** Prints the failure table of README.md from the code's own table. */
import { failureCodes, failureTable } from "../lib/core/errors.ts";

/** One Markdown row per code, in table order. */
export function failureRows(): string {
  return failureCodes.map((code) => {
    const { status, title, check } = failureTable[code];
    return `| \`${code}\` | ${status} | ${title} | ${check} |`;
  }).join("\n");
}

if (import.meta.main) console.log(failureRows());
