/** How a schema of an answer becomes the type of what a view gives. */
import type * as z from "zod";

/** The value a schema describes, deeply readonly. */
export type Shape<Schema extends z.ZodType> = Frozen<z.output<Schema>>;

type Frozen<Value> = Value extends object ? { readonly [Key in keyof Value]: Frozen<Value[Key]> }
  : Value;
