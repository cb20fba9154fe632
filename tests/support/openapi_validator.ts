/** A reading of the OpenAPI standard by others, for tests. */
export { validate } from "npm:@readme/openapi-parser@9.0.0";
