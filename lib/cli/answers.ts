/** Checks what a sidecar answered before it is shown: it may be of another version. */
import { version } from "../app/build_info.ts";
import { AskError } from "./admin_client.ts";

/** The part of a schema that is needed here. */
export interface AnswerSchema<Value> {
  safeParse(value: unknown, options: { readonly jitless: true }):
    | { readonly success: true; readonly data: Value }
    | {
      readonly success: false;
      readonly error: {
        readonly issues: readonly {
          readonly path: readonly PropertyKey[];
          readonly message: string;
        }[];
      };
    };
}

/** Errors: AskError, saying which part was not understood. */
export function understood<Value>(schema: AnswerSchema<Value>, value: unknown): Value {
  const result = schema.safeParse(value, { jitless: true });
  if (result.success) return result.data;
  const [first] = result.error.issues;
  const where = first === undefined || first.path.length === 0 ? "it" : first.path.join(".");
  throw new AskError(
    `the sidecar's answer is not understood (${where}: ${first?.message}); ` +
      `this is mesher ${version}, is the sidecar another version? --json shows the answer as it is`,
    200,
  );
}
