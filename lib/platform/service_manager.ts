/** What a service manager (systemd) is told of the state of this process. */
import type { Posix } from "./posix.ts";

/** As the notification protocol of systemd spells them. */
export type ServiceState = "READY=1" | "STOPPING=1";

/** Names the socket of the service manager. */
const notifyVariable = "NOTIFY_SOCKET";

export type Told = "told" | "nobody_asked" | "failed";

/**
 * Tells the service manager, where there is one that wants to know.
 *
 * Shape: `nobody_asked` without the variable, and for a socket of a kind that is not spoken here (vsock).
 * Source: sd_notify(3).
 */
export function tellServiceManager(
  state: ServiceState,
  { env, posix }: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly posix: Posix | undefined;
  },
): Told {
  const path = env[notifyVariable] ?? "";
  if (!path.startsWith("/") && !path.startsWith("@")) return "nobody_asked";
  return posix?.sendDatagram(path, state) === true ? "told" : "failed";
}
