/** Reads a service out of a request body: checks the fields and fills in the defaults. */
import { invalid } from "./faults.ts";
import type { ServiceFields } from "./records.ts";
import { type Fields, fieldsIn, listIn, textIn, textListIn, textRules, textsIn } from "./rules.ts";

const maxSchemas = 100;

/**
 * Reads the description of a service.
 *
 * Shape: the id that the client chose comes beside it, empty for none. Times of the client are ignored.
 * Errors: RegistryFault 400001.
 */
export function readService(fields: Fields): { serviceId: string; service: ServiceFields } {
  const framework = fieldsIn(fields, "framework");
  const schemaIds = textListIn(fields, "schemas", textRules.schemaId);
  if (schemaIds.length > maxSchemas) {
    throw invalid(`schemas has ${schemaIds.length} items; expected at most ${maxSchemas}.`);
  }
  return {
    serviceId: textIn(fields, "serviceId", textRules.serviceId),
    service: {
      appId: textIn(fields, "appId", textRules.appId, "default"),
      serviceName: textIn(fields, "serviceName", textRules.serviceName),
      version: textIn(fields, "version", textRules.version, "0.0.1"),
      environment: textIn(fields, "environment", textRules.environment),
      alias: textIn(fields, "alias", textRules.alias),
      description: textIn(fields, "description", textRules.description),
      level: textIn(fields, "level", textRules.level, "BACK"),
      status: textIn(fields, "status", textRules.serviceStatus, "UP"),
      registerBy: textIn(fields, "registerBy", textRules.registerBy),
      schemaIds: [...new Set(schemaIds)],
      paths: listIn(fields, "paths"),
      providers: listIn(fields, "providers"),
      loadBalancing: textsIn(fields, "LBStrategy"),
      properties: textsIn(fields, "properties"),
      framework: framework && {
        name: textIn(framework, "name", textRules.frameworkName),
        version: textIn(framework, "version", textRules.frameworkVersion),
      },
    },
  };
}
