/** The doctor inside a running sidecar: sees what the sidecar sees, and asks the registry the way a consumer would. */
import { formatHostPort, isLoopbackHost } from "../../core/address.ts";
import type { Diagnosis, DoctorReport } from "../../control/api/shapes/doctor.ts";
import { blockBase, slot } from "../../plane/counters.ts";
import { createProcessStats } from "../../platform/process_stats.ts";
import type { Sidecar } from "../sidecar.ts";
import { failures } from "../views/events_view.ts";
import { services } from "../views/services_view.ts";
import { whyDown } from "./application_check.ts";
import { judgeAge, judgeEndpoints } from "./endpoints_check.ts";
import { judgeRun, judgeState } from "./host_check.ts";
import { judgeNames } from "./names_check.ts";
import { realEffects } from "./real_effects.ts";
import { judgeRegistration, type SeenByConsumers } from "./registration_check.ts";
import { judgeRegistryFile } from "./registry_check.ts";
import {
  type DoctorEffects,
  look,
  lookAtApplication,
  lookAtDescriptors,
  lookAtDns,
  lookAtKeepAlive,
  lookAtRegistry,
} from "./surroundings.ts";
import { judgeTraffic } from "./traffic_check.ts";
import { wordsOf } from "./diagnosis.ts";

/** What happened longer ago is not what somebody looks for now. Units: milliseconds. */
const latelyMs = 10 * 60_000;
const registryMs = 3000;
const probeMs = 1000;

/** Examines a sidecar, once at a time: whoever asks meanwhile gets the same answer. */
export class Doctor {
  readonly #sidecar: Sidecar;
  readonly #stats = createProcessStats();
  #running: Promise<DoctorReport> | undefined;

  constructor(sidecar: Sidecar) {
    this.#sidecar = sidecar;
  }

  /** Shape: in a fixed order. Errors: when not even the means to look can be had. */
  examine(): Promise<DoctorReport> {
    return this.#running ??= this.#examine().finally(() => this.#running = undefined);
  }

  async #examine(): Promise<DoctorReport> {
    const effects = await realEffects(this.#sidecar.config, this.#stats);
    const beganMs = effects.clock.now();
    try {
      const looks = await Promise.all(this.#looks(effects));
      return { tookMs: Math.round(effects.clock.now() - beganMs), diagnoses: looks.flat() };
    } finally {
      effects.close();
    }
  }

  /** All at the same time: the slowest one decides how long it takes. */
  #looks(effects: DoctorEffects): readonly Promise<readonly Diagnosis[]>[] {
    const sidecar = this.#sidecar;
    const { config, own } = sidecar;
    const addresses = registryServers(sidecar);
    const sources = sidecar.overrides.sources["limits.connections"];
    return [
      addresses === undefined
        ? look("registry", () => Promise.resolve([fileState(sidecar)]))
        : lookAtRegistry(addresses, effects),
      lookAtDns(config, addresses ?? [], effects),
      lookAtApplication(config, effects, own?.poller.snapshot()),
      lookAtKeepAlive(config, effects),
      look("registration", () => registration(sidecar, effects)),
      look("endpoints", () => Promise.resolve(judgeEndpoints(services(sidecar), config))),
      look("freshness", () =>
        Promise.resolve([
          judgeAge(services(sidecar), { pollMs: config.discovery.pollMs }),
        ])),
      look("names", () => names(sidecar, effects)),
      look("failures", () => Promise.resolve(traffic(sidecar, effects))),
      lookAtDescriptors(config, effects, {
        chosen: sources !== undefined && sources.kind !== "default",
        own: true,
      }),
      look("state folder", () => stateFolder(sidecar, effects)),
      look("data threads", () =>
        Promise.resolve(judgeRun({
          refusedReloads: sidecar.refusedReloads,
          threadsReplaced: sidecar.supervisor.replaced,
          revision: sidecar.revision,
          acknowledged: sidecar.insight.acknowledged,
          draining: sidecar.draining,
        }))),
    ];
  }
}

/** Shape: undefined for a registry that is no server. */
function registryServers({ chosen: { backend } }: Sidecar): readonly string[] | undefined {
  return /^https?:/.test(backend.address) ? backend.address.split(",") : undefined;
}

function registryHosts(sidecar: Sidecar): readonly string[] {
  const urls = (registryServers(sidecar) ?? []).filter((url) => URL.canParse(url));
  return urls.map((url) => new URL(url).hostname.replace(/^\[|\]$/g, ""));
}

function fileState({ discovery: { cache }, chosen }: Sidecar): Diagnosis {
  const { reachable, lastError } = cache.contact;
  return judgeRegistryFile({
    path: chosen.backend.address,
    error: reachable === false ? lastError ?? "it cannot be read" : undefined,
  });
}

function whereOf({ config: { app, environment } }: Sidecar): string {
  return `application ${app}${environment === "" ? "" : `, environment ${environment}`}`;
}

async function registration(
  sidecar: Sidecar,
  { probe }: DoctorEffects,
): Promise<readonly Diagnosis[]> {
  const { config, own } = sidecar;
  const advertised = own?.advertised ?? { host: "127.0.0.1", port: 0 };
  const state = own?.registration?.state;
  const [seen, answers] = await Promise.all([
    state?.state === "registered" ? seenByConsumers(sidecar) : silent("it was not asked"),
    own === undefined ? true : probe(advertised.host, advertised.port, probeMs),
  ]);
  return judgeRegistration({
    service: own === undefined ? undefined : config.service,
    where: whereOf(sidecar),
    state,
    appDown: whyDown(own?.poller.snapshot()),
    draining: sidecar.draining,
    advertised,
    answers,
    remoteRegistry: registryHosts(sidecar).some((host) => !isLoopbackHost(host)),
    seen,
  });
}

function silent(why: string): SeenByConsumers {
  return { kind: "silent", why };
}

async function seenByConsumers(
  { config, chosen: { backend: { discovery } } }: Sidecar,
): Promise<SeenByConsumers> {
  const { app, environment, service } = config;
  try {
    const answer = await discovery.find(
      { app, environment, name: service! },
      undefined,
      AbortSignal.timeout(registryMs),
    );
    return answer.kind === "unchanged" ? silent("it says only that nothing changed") : answer;
  } catch (error) {
    return silent(wordsOf(error));
  }
}

async function names(
  sidecar: Sidecar,
  { clock }: DoctorEffects,
): Promise<readonly Diagnosis[]> {
  const { config: { app, environment }, chosen: { backend: { discovery } } } = sidecar;
  let known: readonly string[] | undefined;
  try {
    known = await discovery.names({ app, environment }, AbortSignal.timeout(registryMs));
  } catch {
    // The look at the registry says why.
  }
  const asked = sidecar.askedNames.since(clock.now() - latelyMs);
  return judgeNames({ names: known, asked, where: whereOf(sidecar) });
}

function traffic(sidecar: Sidecar, { clock }: DoctorEffects): readonly Diagnosis[] {
  const { blocks, config, supervisor, startedAtMs } = sidecar;
  const sum = (at: number, which = (_direction: string) => true) =>
    blocks.entries().filter(({ direction }) => which(direction))
      .reduce((total, { block }) => total + supervisor.counter(blockBase(block) + at), 0);
  const since = clock.wall() - latelyMs;
  const inTrouble = services(sidecar).flatMap(({ endpoints }) =>
    endpoints.filter(({ state }) => state !== "healthy" && state !== "warming")
      .map(({ host, port }) => formatHostPort(host, port))
  );
  const closed = sidecar.own?.poller.verdict === "up"
    ? []
    : config.ports.map(({ port }) => `127.0.0.1:${port}`);
  return judgeTraffic({
    failures: failures(sidecar, {}).failures.filter(({ at }) => at >= since),
    inTrouble: new Set([...inTrouble, ...closed]),
    attempts: sum(slot.attempts),
    resends: sum(slot.resends),
    outboundRequests: sum(slot.requests, (direction) => direction !== "inbound"),
    uptimeMs: clock.now() - startedAtMs,
  });
}

async function stateFolder(
  sidecar: Sidecar,
  { clock, tryToWrite }: DoctorEffects,
): Promise<readonly Diagnosis[]> {
  const { options: { stateDir }, discovery: { diskState, cache }, startedAtMs } = sidecar;
  return [judgeState({
    folder: stateDir,
    unwritable: stateDir === undefined ? undefined : await tryToWrite(stateDir),
    disk: diskState,
    now: clock.wall(),
    services: cache.views().length,
    uptimeMs: clock.now() - startedAtMs,
  })];
}
