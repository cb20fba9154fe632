/** `mesher doctor`: looks for what is wrong with the running sidecar and around it; without one, around it alone. */
import { parseAddress } from "../core/address.ts";
import { version } from "../app/build_info.ts";
import { isFinding, note } from "../app/doctor/diagnosis.ts";
import { examineOutside } from "../app/doctor/outside.ts";
import { judgeProxy } from "../app/doctor/proxy_check.ts";
import { realEffects } from "../app/doctor/real_effects.ts";
import { loadConfig } from "../config/load.ts";
import { type Diagnosis, doctorReport } from "../control/api/shapes/doctor.ts";
import { service } from "../control/api/shapes/services.ts";
import { status } from "../control/api/shapes/state.ts";
import { platform } from "../platform/host.ts";
import { createProcessStats } from "../platform/process_stats.ts";
import { defaultStateDir } from "../platform/state_dir.ts";
import { tryToListen } from "../platform/tryouts.ts";
import { AskError, type Asking, readAsking, withAnswers } from "./admin_client.ts";
import { understood } from "./answers.ts";
import { doctorLines } from "./doctor_text.ts";
import { exit, type Io } from "./io.ts";

/** Some looks wait for what others do. Units: milliseconds. */
const patienceMs = 15_000;

/** Shape: 0 without findings, 1 with some, 2 when a sidecar is there that cannot be asked. */
export async function runDoctor(io: Io): Promise<number> {
  const asking = await readAsking(io, { switches: ["all"] }, { quiet: true });
  if (asking === undefined) return exit.usage;
  const { parsed: { own, rest } } = asking;
  if (rest.length > 0) {
    io.stderr(`mesher: doctor takes only flags, not ${rest.join(" ")}\n`);
    return exit.usage;
  }
  return await withAnswers(io, async () => {
    const { asked, diagnoses } = await examine(io, asking);
    if (own["json"] === "true") {
      io.stdout(`${JSON.stringify({ asked, diagnoses }, undefined, 2)}\n`);
    } else {
      io.stdout(`${doctorLines(diagnoses, { all: own["all"] === "true" }).join("\n")}\n`);
    }
    return diagnoses.some(isFinding) ? exit.failed : exit.ok;
  });
}

interface Examined {
  /** Whether a sidecar took part. */
  readonly asked: boolean;
  readonly diagnoses: readonly Diagnosis[];
}

/** Errors: AskError when a sidecar is there and does not tell. */
async function examine(io: Io, asking: Asking): Promise<Examined> {
  const { admin } = asking;
  try {
    const [report, state, services] = await Promise.all([
      admin.get("/doctor", patienceMs),
      admin.get("/status"),
      admin.get("/services"),
    ]);
    const { diagnoses } = understood(doctorReport, report);
    const seen = understood(status, state);
    const here = judgeProxy({
      env: io.env,
      outbound: seen.outbound === undefined ? undefined : parseAddress(seen.outbound),
      inbound: seen.inbound === undefined ? undefined : parseAddress(seen.inbound),
      admin: seen.admin === undefined ? undefined : parseAddress(seen.admin),
      services: understood(service.array(), services).map((one) => one.service),
    });
    return { asked: true, diagnoses: [...diagnoses, ...here, ...versions(seen.version)] };
  } catch (error) {
    if (!(error instanceof AskError) || error.status !== undefined) throw error;
    return { asked: false, diagnoses: await withoutSidecar(io, asking, error.message) };
  }
}

function versions(running: string): readonly Diagnosis[] {
  if (running === version) return [];
  return [note("version", `the sidecar is mesher ${running}, this command is mesher ${version}`)];
}

async function withoutSidecar(
  io: Io,
  { config }: Asking,
  why: string,
): Promise<readonly Diagnosis[]> {
  // Where the configuration is bad nothing of it is used; the effects want one all the same.
  const usable = config.ok
    ? config
    : await loadConfig({ flags: {}, env: {}, readFile: io.readFile });
  if (!usable.ok) throw new Error("the defaults of the configuration are refused");
  const effects = await realEffects(usable.config, createProcessStats());
  try {
    return await examineOutside({
      config,
      env: io.env,
      stateDir: ({ stateDir }) => stateDir ?? defaultStateDir((name) => io.env[name], platform.os),
      why,
    }, { ...effects, tryToListen, readFile: io.readFile });
  } finally {
    effects.close();
  }
}
