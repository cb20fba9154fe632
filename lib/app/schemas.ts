/** The descriptions of the application's interfaces, from a folder into the form in which a registry takes them. */
import type { SchemaText } from "../control/registry/registry.ts";

export interface NamedText {
  /** Of the file, without its folder. */
  readonly name: string;
  readonly text: string;
}

/** The registry's limits. */
const maxSchemas = 100;
const maxBytes = 2 * 1024 * 1024 - 64 * 1024;
const ending = /\.ya?ml$/i;

/** Whether a file of the folder is meant at all. */
export function isSchemaFile(name: string): boolean {
  return ending.test(name) && !name.startsWith(".");
}

/**
 * Each file is one schema, whose id is the file's name without its ending.
 *
 * Shape: sorted by id. Errors: Error that names the file and says what to do.
 */
export async function schemasFrom(files: readonly NamedText[]): Promise<readonly SchemaText[]> {
  if (files.length > maxSchemas) {
    throw new Error(`schemas has ${files.length} files; the registry takes ${maxSchemas} at most`);
  }
  const schemas = await Promise.all(files.map(async ({ name, text }) => {
    const id = name.replace(ending, "");
    if (!/^[A-Za-z0-9_.-]{1,160}$/.test(id)) {
      throw new Error(
        `schemas/${name} cannot be an id; rename the file with letters, digits, _ . and - only`,
      );
    }
    const bytes = new TextEncoder().encode(text);
    if (bytes.length > maxBytes) {
      throw new Error(
        `schemas/${name} is larger than the registry takes; at most ${maxBytes} bytes`,
      );
    }
    if (text.trim() === "") {
      throw new Error(`schemas/${name} is empty; write a contract or remove it`);
    }
    return { id, text, summary: await sha256(bytes) };
  }));
  schemas.sort((a, b) => a.id < b.id ? -1 : 1);
  const double = schemas.find((one, i) => one.id === schemas[i - 1]?.id);
  if (double !== undefined) {
    throw new Error(`schemas has two files for ${double.id}; keep either .yaml or .yml`);
  }
  return schemas;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
