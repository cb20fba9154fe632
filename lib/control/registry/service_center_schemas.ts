/** Brings the descriptions of the own service's interfaces into a Service Center. */
import type { Logger } from "../../core/ports.ts";
import { RegistryError, type SchemaText } from "./registry.ts";
import type { ServiceCenterHttp } from "./service_center_http.ts";
import { readSchemaSummaries } from "./service_center_records.ts";

export interface SchemaUpload {
  readonly serviceId: string;
  readonly schemas: readonly SchemaText[];
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Uploads what the registry does not have, or has otherwise.
 *
 * Shape: a refusal is a warning, because the service can be called without its descriptions by all who need none.
 * Errors: RegistryError `unreachable` or `garbled`.
 */
export async function uploadSchemas(http: ServiceCenterHttp, upload: SchemaUpload): Promise<void> {
  const { serviceId, schemas, logger, signal } = upload;
  const path = `/microservices/${encodeURIComponent(serviceId)}/schemas`;
  try {
    const listed = await http.call({ kind: "schemas", method: "GET", path }, signal);
    const stored = listed.kind === "ok" ? readSchemaSummaries(listed.body) : new Map();
    for (const { id, text, summary } of schemas) {
      if (stored.get(id) === summary) continue;
      const answer = await http.call({
        kind: "schemas",
        method: "PUT",
        path: `${path}/${encodeURIComponent(id)}`,
        body: { schema: text, summary },
      }, signal);
      if (answer.kind === "ok") logger.info(`the registry has the schema ${id} now`);
      else logger.warn(`the registry did not take the schema ${id}: ${answer.message}`);
    }
  } catch (error) {
    if (!(error instanceof RegistryError && error.code === "forbidden")) throw error;
    logger.warn(`the registry takes no schemas: ${error.message}`);
  }
}
