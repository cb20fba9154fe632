/** Looks at the registry: does each of its addresses answer, how fast, and does its clock agree with this host's. */
import type { Clock, Fetch } from "../../core/ports.ts";
import type { Diagnosis } from "../../control/api/shapes/doctor.ts";
import { fine, note, problem, skipped, warning, wordsOf } from "./diagnosis.ts";

/** What one address of the registry said. Units: milliseconds. */
export interface RegistryAnswer {
  /** Its URL. */
  readonly address: string;
  readonly tookMs: number;
  /** Undefined when nobody answered. */
  readonly status?: number;
  /** Its clock minus the own one; undefined when it did not say. */
  readonly aheadMs?: number;
  readonly error?: string;
}

export interface RegistryEffects {
  readonly fetch: Fetch;
  readonly clock: Clock;
}

/** An answer that takes longer makes first calls to a service slow. Units: milliseconds. */
const slowMs = 300;
const giveUpMs = 3000;
/** The Date field has whole seconds, so less than this is no difference. Units: milliseconds. */
const agreeMs = 2000;
/** Beyond it certificates and tokens of the other side may be refused. Units: milliseconds. */
const farMs = 60_000;

/** Asks every address the same small question. Shape: never rejects; in the order of the addresses. */
export async function askRegistry(
  addresses: readonly string[],
  { fetch, clock }: RegistryEffects,
): Promise<readonly RegistryAnswer[]> {
  return await Promise.all(addresses.map(async (address): Promise<RegistryAnswer> => {
    const beganMs = clock.now();
    const beganAt = clock.wall();
    try {
      const response = await fetch(`${address}/v4/default/registry/health`, {
        redirect: "manual",
        signal: AbortSignal.timeout(giveUpMs),
      });
      const tookMs = clock.now() - beganMs;
      await response.body?.cancel();
      const date = Date.parse(response.headers.get("date") ?? "");
      // The field names the second in which the answer was made, somewhere between question and answer.
      const aheadMs = date + 500 - (beganAt + clock.wall()) / 2;
      return {
        address,
        tookMs,
        status: response.status,
        ...(Number.isNaN(date) ? {} : { aheadMs }),
      };
    } catch (error) {
      return { address, tookMs: clock.now() - beganMs, error: reasonOf(error) };
    }
  }));
}

/** What the runtime says is "fetch failed"; the reason is in its cause. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError") {
    return `no answer within ${giveUpMs / 1000} s`;
  }
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const words = wordsOf(cause);
  return /connection refused/i.test(words) ? "connection refused: nothing listens there" : words;
}

const check = "registry";

/** Shape: pure; one entry for each address that is in trouble, or one for all. */
export function judgeRegistry(answers: readonly RegistryAnswer[]): readonly Diagnosis[] {
  const silent = answers.filter(({ status }) => status === undefined || status >= 500);
  const good = answers.filter((one) => !silent.includes(one));
  const found: Diagnosis[] = silent.map(({ address, error, status }) => {
    const says = `the registry ${address} cannot be used: ${error ?? `it answers ${status}`}`;
    return good.length === 0
      ? problem(
        check,
        says,
        "start it, or set MESHER_REGISTRY to where it is; until then what is known already is used, " +
          "new services are not found and the own instance is not renewed",
      )
      : warning(check, says, "look at that registry; the others do its work meanwhile");
  });
  for (const { address, tookMs } of good) {
    const ms = Math.round(tookMs);
    if (tookMs < slowMs) {
      if (found.length === 0) found.push(fine(check, `${address} answers within ${ms} ms`));
      continue;
    }
    found.push(warning(
      check,
      `the registry ${address} took ${ms} ms for a small question`,
      "look at its load and at the network in between: the first call to a service waits for it",
    ));
  }
  return found;
}

/** Shape: pure; one entry. */
export function judgeClock(answers: readonly RegistryAnswer[]): Diagnosis {
  const check = "clock";
  const known = answers.filter(({ aheadMs }) => aheadMs !== undefined);
  if (known.length === 0) return skipped(check, "no registry told its time");
  const worst = known.reduce((a, b) => Math.abs(a.aheadMs!) >= Math.abs(b.aheadMs!) ? a : b);
  const { address, tookMs } = worst;
  const aheadMs = worst.aheadMs!;
  const apartMs = Math.abs(aheadMs);
  if (apartMs <= agreeMs + tookMs / 2) {
    return fine(check, `the clocks here and at ${address} agree within ${agreeMs / 1000} s`);
  }
  const seconds = (apartMs / 1000).toFixed(apartMs < 10_000 ? 1 : 0);
  const says = `this host's clock is ${seconds} s ${
    aheadMs > 0 ? "behind" : "ahead of"
  } that of the registry ${address}`;
  const fix = "let both hosts keep their time by NTP (timedatectl, chronyc tracking)";
  return apartMs > farMs
    ? problem(check, `${says}: certificates and tokens may be refused`, fix)
    : warning(check, `${says}: logs and traces of both do not fit together`, fix);
}

/** For a registry that is no server. Shape: pure. */
export function judgeRegistryFile(
  { path, error }: { readonly path: string; readonly error: string | undefined },
): Diagnosis {
  return error === undefined
    ? note(check, `services come from the file ${path}; nothing is registered there`)
    : problem(check, `the registry file ${path} cannot be used: ${error}`, "correct the file");
}
