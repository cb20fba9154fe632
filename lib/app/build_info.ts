/** What this build is. */

/** Version of mesher, published to registries and shown by `mesher version`. */
export const version = "0.1.0";
