/** What this build is. */
export { builtAt, commit } from "./build_stamp.ts";

/** Version of mesher, published to registries and shown by `mesher version`. */
export const version = "0.1.0";
