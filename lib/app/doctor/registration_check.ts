/** Looks at the own registration as others see it: asks the registry the way a consumer would. */
import { formatHostPort, isLoopbackHost } from "../../core/address.ts";
import type { Instance } from "../../core/types.ts";
import type { Diagnosis } from "../../control/api/shapes/doctor.ts";
import type { RegistrationState } from "../../control/registry/registration.ts";
import { counted, few, fine, note, problem, skipped, warning } from "./diagnosis.ts";

/** What the registry answers to a consumer that looks for the own service. */
export type SeenByConsumers =
  | { readonly kind: "set"; readonly instances: readonly Instance[] }
  | { readonly kind: "unknown" }
  | { readonly kind: "silent"; readonly why: string };

export interface RegistrationFacts {
  /** Undefined for a consumer without a name. */
  readonly service: string | undefined;
  /** Application and environment, in words. */
  readonly where: string;
  /** Undefined for a registry that takes no registrations. */
  readonly state: RegistrationState | undefined;
  /** What the application's checks say, where they fail. */
  readonly appDown: string | undefined;
  readonly draining: boolean;
  readonly advertised: { readonly host: string; readonly port: number };
  /** Whether a connection to the advertised address can be made from here. */
  readonly answers: boolean;
  /** Whether registry and peers may be on other hosts. */
  readonly remoteRegistry: boolean;
  readonly seen: SeenByConsumers;
}

const check = "registration";

/** Shape: pure. */
export function judgeRegistration(facts: RegistrationFacts): readonly Diagnosis[] {
  const { service, state } = facts;
  if (service === undefined) {
    return [skipped(check, "no service name is set: a consumer registers nothing")];
  }
  if (state === undefined) {
    return [note(check, `this registry takes no registrations; ${service} has to be listed there`)];
  }
  if (facts.draining || state.state === "stopped") {
    return [note(check, `${service} was taken out of the mesh: the sidecar drains`)];
  }
  if (state.state !== "registered") return [notRegistered(service, state, facts)];
  const seen = asSeen(service, state, facts);
  const found = [...seen, ...asReached(facts)];
  return found.length > 0
    ? found
    : [fine(check, `consumers find ${service} at ${place(facts)}, status UP`)];
}

function place({ advertised }: RegistrationFacts): string {
  return formatHostPort(advertised.host, advertised.port);
}

function notRegistered(
  service: string,
  { state, lastError }: RegistrationState,
  { appDown }: RegistrationFacts,
): Diagnosis {
  if (state === "waiting") {
    return problem(
      check,
      `${service} is not registered: its application has not passed its checks yet` +
        (appDown === undefined ? "" : ` (${appDown})`),
      "start the application, or correct MESHER_PORTS or MESHER_CHECK; it is registered by itself then",
    );
  }
  const why = lastError === undefined ? "" : `: ${lastError}`;
  return problem(
    check,
    state === "lost"
      ? `the registry has lost ${service}; it is about to be registered again${why}`
      : `${service} could not be registered so far${why}`,
    "look at the registry; registering is tried again by itself",
  );
}

function asSeen(
  service: string,
  { lease, status }: RegistrationState,
  facts: RegistrationFacts,
): readonly Diagnosis[] {
  const { seen, appDown, where } = facts;
  if (seen.kind === "silent") {
    return [skipped(check, `the registry could not be asked how others see it: ${seen.why}`)];
  }
  const reset = "look whether the registry was reset; the next heartbeat registers it again";
  if (seen.kind === "unknown") {
    return [problem(check, `consumers do not find ${service} in ${where}`, reset)];
  }
  const own = seen.instances.find((one) => one.instanceId === lease?.instanceId);
  if (own === undefined) {
    const others = seen.instances.length;
    return [problem(
      check,
      `consumers get ${counted(others, "instance")} of ${service}, but not this one`,
      reset,
    )];
  }
  if (own.status !== "UP") {
    const why = appDown === undefined ? "" : `, because its application is down (${appDown})`;
    return [problem(
      check,
      `consumers see ${service} as ${own.status}${why} and do not call it`,
      own.status === status
        ? "look at the application's log; its status changes when its checks pass"
        : `the registry was told ${status}: somebody has set the status there`,
    )];
  }
  const places = own.endpoints.map(({ host, port }) => formatHostPort(host, port));
  if (!places.includes(place(facts))) {
    return [warning(
      check,
      `consumers are told to call ${few(places)}, but this sidecar is at ${place(facts)}`,
      "another program keeps a record with the same instance id; stop it or give it a service name of its own",
    )];
  }
  return [];
}

function asReached(facts: RegistrationFacts): readonly Diagnosis[] {
  const { advertised: { host }, answers, remoteRegistry } = facts;
  if (isLoopbackHost(host) && remoteRegistry) {
    return [problem(
      check,
      `others are told to call ${place(facts)}, which leads every other host to itself`,
      "set MESHER_ADVERTISE to this host's address, and MESHER_INBOUND to listen there",
    )];
  }
  if (answers) return [];
  return [warning(
    check,
    `nothing answers here at ${place(facts)}, which is where others are told to call`,
    "look at firewalls and port mappings, or correct MESHER_ADVERTISE",
  )];
}
