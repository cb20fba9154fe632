/** Reads an instance out of a request body: checks the fields and fills in the defaults. */
import type { InstanceStatus } from "../../core/types.ts";
import { leaseTimes } from "./lease_times.ts";
import type { DataCenter, HealthCheck, InstanceFields } from "./records.ts";
import {
  checkText,
  type Fields,
  fieldsIn,
  integerIn,
  textIn,
  textListIn,
  textRules,
  textsIn,
} from "./rules.ts";

/**
 * Reads the description of an instance.
 *
 * Shape: the id that the client chose comes beside it, empty for none. Service id, version and times of the client
 * are ignored. Endpoints are any text, in order, duplicates kept.
 * Errors: RegistryFault 400001.
 */
export function readInstance(fields: Fields): { instanceId: string; instance: InstanceFields } {
  return {
    instanceId: textIn(fields, "instanceId", textRules.instanceId),
    instance: {
      hostName: textIn(fields, "hostName", textRules.hostName),
      endpoints: textListIn(fields, "endpoints", textRules.endpoint),
      status: textIn(fields, "status", textRules.instanceStatus, "UP") as InstanceStatus,
      properties: textsIn(fields, "properties"),
      healthCheck: readHealthCheck(fieldsIn(fields, "healthCheck")),
      dataCenter: readDataCenter(fieldsIn(fields, "dataCenterInfo")),
    },
  };
}

/** Errors: RegistryFault 400001 unless it is one of the five words, in capitals. */
export function readStatus(field: string, text: string): InstanceStatus {
  return checkText(field, text, textRules.instanceStatus) as InstanceStatus;
}

function readHealthCheck(fields: Fields | undefined): HealthCheck {
  if (!fields) return leaseTimes({ mode: "push", port: 0, intervalSeconds: 30, times: 3, url: "" });
  return leaseTimes({
    mode: textIn(fields, "mode", textRules.healthMode) as HealthCheck["mode"],
    port: integerIn(fields, "port", { min: 0, fallback: 0 }),
    intervalSeconds: integerIn(fields, "interval", { min: 1, fallback: 0 }),
    times: integerIn(fields, "times", { min: 0, fallback: 0 }),
    url: textIn(fields, "url", { expected: "a text" }),
  });
}

function readDataCenter(fields: Fields | undefined): DataCenter | undefined {
  return fields && {
    name: textIn(fields, "name", textRules.dataCenterPart),
    region: textIn(fields, "region", textRules.dataCenterPart),
    availableZone: textIn(fields, "availableZone", textRules.dataCenterPart),
  };
}
