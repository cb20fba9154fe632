/** Prepares changes of header fields, so that writing a head only skips names and copies bytes. */
import { isOwnField } from "../../core/own_fields.ts";
import type { HeaderChanges } from "../../core/traffic.ts";
import { PolicyError } from "./policy_error.ts";

export interface HeaderPlan {
  /** In lower case: fields of these names are not copied. */
  readonly dropNames: ReadonlySet<string>;
  /** Whole lines with their ends, written behind the copied fields. */
  readonly lines: Uint8Array<ArrayBuffer>;
}

/**
 * Compiles changes: `set` replaces, `add` leaves what is there, `remove` takes away.
 *
 * Shape: undefined when nothing changes. Values are written as UTF-8, without blanks round them.
 * Errors: PolicyError for a name that is none or must not be touched, and for a value that would break the head.
 */
export function compileHeaderChanges(changes: HeaderChanges | undefined): HeaderPlan | undefined {
  const dropNames = new Set<string>();
  let lines = "";
  for (const name of changes?.remove ?? []) dropNames.add(checkedName(name));
  for (const [name, value] of Object.entries(changes?.set ?? {})) {
    dropNames.add(checkedName(name));
    lines += `${name}: ${checkedValue(name, value)}\r\n`;
  }
  for (const [name, value] of Object.entries(changes?.add ?? {})) {
    checkedName(name);
    lines += `${name}: ${checkedValue(name, value)}\r\n`;
  }
  if (dropNames.size === 0 && lines === "") return undefined;
  return { dropNames, lines: new TextEncoder().encode(lines) };
}

function checkedName(name: string): string {
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) {
    throw new PolicyError(`${JSON.stringify(name)} is no name of a header field`);
  }
  if (isOwnField(name)) {
    throw new PolicyError(
      `the field ${name} belongs to the connection or to the sidecar; rules may change others only`,
    );
  }
  return name.toLowerCase();
}

function checkedValue(name: string, value: string): string {
  // deno-lint-ignore no-control-regex
  const bad = /[\x00-\x08\x0a-\x1f\x7f]/.exec(value);
  if (bad) {
    const code = bad[0].charCodeAt(0).toString(16).padStart(2, "0");
    throw new PolicyError(`the value of the field ${name} has the control character 0x${code}`);
  }
  return value.trim();
}
