/** Every refusal of the registry: one class, one table from code to what clients read. */

export type FaultCode =
  | "400001"
  | "400010"
  | "400012"
  | "400013"
  | "400016"
  | "400017"
  | "400018"
  | "400023"
  | "400026"
  | "400100"
  | "403001"
  | "500003";

/**
 * The one table: code to message.
 *
 * Shape: the HTTP status is the code without its last three digits, so "not found" is a 400. Clients branch on the
 * code and some on the message; neither may change.
 */
const faultMessages: Readonly<Record<FaultCode, string>> = {
  "400001": "Invalid parameter(s)",
  "400010": "Micro-service already exists",
  "400012": "Micro-service does not exist",
  "400013": "Micro-service has deployed instance(s)",
  "400016": "Schema does not exist",
  "400017": "Instance does not exist",
  "400018": "Tag does not exist",
  "400023": "Consumer(s) depends on this micro-service",
  "400026": "Micro-service version does not exist",
  "400100": "Not enough quota",
  "403001": "Forbidden",
  "500003": "Internal server error",
};

/** A refusal with its code; the message is free text for people. */
export class RegistryFault extends Error {
  override readonly name = "RegistryFault";
  constructor(readonly code: FaultCode, detail: string) {
    super(detail);
  }

  get status(): 400 | 403 | 500 {
    return this.code.startsWith("500") ? 500 : this.code.startsWith("403") ? 403 : 400;
  }

  /** The JSON object that clients get. */
  toJSON(): { errorCode: string; errorMessage: string; detail: string } {
    return { errorCode: this.code, errorMessage: faultMessages[this.code], detail: this.message };
  }

  /** The form used inside answers to calls about several things at once. */
  get inline(): string {
    return `${faultMessages[this.code]}(${this.message})`;
  }
}

export function invalid(detail: string): RegistryFault {
  return new RegistryFault("400001", detail);
}

export function unknownService(serviceId: string): RegistryFault {
  return new RegistryFault("400012", `No service has the id "${serviceId}".`);
}

export function unknownInstance(instanceId: string): RegistryFault {
  return new RegistryFault(
    "400017",
    `No living instance has the id "${instanceId}" under this service; register it again.`,
  );
}
