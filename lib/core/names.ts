/** Names of services as registries accept them. */

/**
 * True when a registry would accept the text as a service name.
 *
 * Source: letters and digits with inner `_ - .`, 1 to 128 characters. One name outside this pattern spoils a whole
 * batch of look-ups at the original registry, so such names are never asked for.
 */
export function isServiceName(text: string): boolean {
  return text.length <= 128 && /^[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?$/.test(text);
}
