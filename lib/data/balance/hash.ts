/** Where the cluster and the rules of a request still look for the hash of keys. */
// deno-lint-ignore mesher/no-barrel -- goes as soon as both import it from its own place
export { hashShare, hashText, mixHash } from "../../core/hash.ts";
