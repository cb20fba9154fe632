/** Dialling that takes no signal, made to heed one. */

/**
 * Waits for a connection until the signal aborts; one that comes too late is closed, for it is of no use to anybody.
 *
 * Errors: those of dialling, or the signal's reason.
 */
export async function connected<Connection extends Deno.Conn>(
  dial: () => Promise<Connection>,
  signal: AbortSignal,
): Promise<Connection> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  const dialled = dial();
  try {
    return await Promise.race([dialled, aborted.promise]);
  } catch (error) {
    dialled.then((connection) => connection.close(), () => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
