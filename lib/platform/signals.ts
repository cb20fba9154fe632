/** Signals from the system to functions, where the platform has them. */

export type SignalHandlers = Readonly<Partial<Record<Deno.Signal, () => void>>>;

/**
 * Listens to the signals named by the keys.
 *
 * Shape: a signal that the platform does not know is skipped. The function that comes back ends it all.
 */
export function onSignals(handlers: SignalHandlers): () => void {
  const listening: [Deno.Signal, () => void][] = [];
  for (const [name, handler] of Object.entries(handlers) as [Deno.Signal, () => void][]) {
    try {
      Deno.addSignalListener(name, handler);
      listening.push([name, handler]);
    } catch {
      // Windows has only SIGINT, SIGBREAK and SIGHUP.
    }
  }
  return () => {
    for (const [name, handler] of listening.splice(0)) Deno.removeSignalListener(name, handler);
  };
}
