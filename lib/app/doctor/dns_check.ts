/** Looks whether host names become addresses, and how fast. */
import type { Clock } from "../../core/ports.ts";
import type { Diagnosis } from "../../control/api/shapes/doctor.ts";
import { fine, problem, warning, wordsOf } from "./diagnosis.ts";

export interface DnsEffects {
  readonly resolve: (name: string) => Promise<readonly string[]>;
  readonly clock: Clock;
}

const check = "dns";
/** Units: milliseconds. */
const slowMs = 500;
const giveUpMs = 3000;

/** Looks every name up. Shape: never rejects; one entry for each name in trouble, or one for all. */
export async function checkDns(
  names: readonly string[],
  { resolve, clock }: DnsEffects,
): Promise<readonly Diagnosis[]> {
  const found = await Promise.all(names.map(async (name): Promise<Diagnosis | undefined> => {
    const beganMs = clock.now();
    const over = new AbortController();
    const late = clock.sleep(giveUpMs, over.signal).then(() => undefined);
    try {
      const addresses = await Promise.race([resolve(name), late]);
      if (addresses === undefined) {
        return problem(check, `the name ${name} was not resolved within 3 s`, fixOf(name));
      }
      const tookMs = Math.round(clock.now() - beganMs);
      if (tookMs < slowMs) return undefined;
      return warning(
        check,
        `the name ${name} took ${tookMs} ms to resolve`,
        "look at the name servers in /etc/resolv.conf: one that does not answer makes every look-up wait",
      );
    } catch (error) {
      return problem(check, `the name ${name} has no address: ${wordsOf(error)}`, fixOf(name));
    } finally {
      over.abort();
    }
  }));
  const trouble = found.filter((one) => one !== undefined);
  return trouble.length > 0 ? trouble : [fine(check, `resolved ${names.join(", ")}`)];
}

function fixOf(name: string): string {
  return `look at the spelling, at /etc/hosts and /etc/resolv.conf (getent hosts ${name})`;
}
