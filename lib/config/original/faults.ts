/** Keys `cse.governance.Consumer.*` of the original (faults on purpose) and `servicecomb.transport.failure.*`. */
import { isServiceName } from "../../core/names.ts";
import type { Sheet } from "./sheet.ts";

const faultKey =
  /^(.+?)\.policy\.fault\.protocols\.(\w+)\.(delay\.fixedDelay|delay\.percent|abort\.httpStatus|abort\.percent)$/;

/** Source: go-chassis, fault injection. Delays are whole milliseconds. */
export function translateFaults(sheet: Sheet): void {
  const works = sheet.hasHandler("Consumer.outgoing", "fault-inject");
  let isSet = false;
  for (const { key, value, rest } of sheet.takeBelow("cse.governance.Consumer.")) {
    const [, scope = "", protocol, name] = faultKey.exec(rest) ?? [];
    const owner = scope === "_global" ? undefined : scope;
    if (scope.includes(".schemas.")) {
      sheet.warn(key, "there are no schemas; say it by routes with a path and a fault");
    } else if (name === undefined || (owner !== undefined && !isServiceName(owner))) {
      sheet.warn(key, "is not known");
    } else if (protocol !== "rest") sheet.warn(key, `there is no protocol ${protocol} here`);
    else if (works === false) {
      sheet.warn(key, "had no effect: fault-inject is not in the chain Consumer.outgoing");
    } else {
      if (works === undefined && !isSet) {
        sheet.warn(key, "takes effect here; the original needed fault-inject in its handler chain");
      }
      isSet = true;
      translateFault(sheet, { key, value, owner, name });
    }
  }
}

function translateFault(
  sheet: Sheet,
  { key, value, owner, name }: {
    readonly key: string;
    readonly value: string | number | boolean;
    readonly owner: string | undefined;
    readonly name: string;
  },
): void {
  const [setting, bounds, unit] = name === "delay.fixedDelay"
    ? ["delay", { min: 0, max: 2_147_483_647 }, "ms"] as const
    : name === "delay.percent"
    ? ["delay_percent", { min: 0, max: 100 }, ""] as const
    : name === "abort.httpStatus"
    ? ["abort_status", { min: 200, max: 599 }, ""] as const
    : ["abort_percent", { min: 0, max: 100 }, ""] as const;
  const number = sheet.number({ key, value }, bounds);
  if (number === undefined) return;
  sheet.set(owner, ["fault", setting], unit === "" ? number : `${number}${unit}`);
}

/** Source: go-chassis, `http_500,http_502`: answers that count as failures. */
export function translateTransportFailures(sheet: Sheet): void {
  for (const { key, value, rest } of sheet.takeBelow("servicecomb.transport.failure.")) {
    if (rest !== "rest") {
      sheet.warn(key, `there is no protocol ${rest} here`);
      continue;
    }
    const codes = String(value).split(",").map((code) => code.trim()).filter((code) => code !== "");
    const statuses = codes.flatMap((code) => {
      const [, status] = /^http_([45]\d\d)$/.exec(code) ?? [];
      if (status === undefined) sheet.warn(key, `${JSON.stringify(code)} is not known`);
      return status === undefined ? [] : [Number(status)];
    });
    sheet.put(["retry", "statuses"], statuses);
  }
}
