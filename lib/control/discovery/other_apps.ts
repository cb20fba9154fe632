/** Names of services of other applications: `service.application`, for the applications that the configuration lists. */

/** One service of an application that is not the own one. */
export interface OtherService {
  readonly app: string;
  readonly name: string;
}

/** How such a service is called here: by applications in URLs, by threads, on the disk. */
export function otherKey({ app, name }: OtherService): string {
  return `${name}.${app}`;
}

/**
 * What a name may mean.
 *
 * Shape: pure; empty unless the name ends with a dot and one of `apps`, in whatever case. Names of applications may
 * have dots themselves: the longest that fits comes first.
 */
export function splitName(name: string, apps: readonly string[]): readonly OtherService[] {
  const lower = name.toLowerCase();
  return apps
    .filter((app) => lower.length > app.length + 1 && lower.endsWith(`.${app.toLowerCase()}`))
    .sort((a, b) => b.length - a.length)
    .map((app) => ({ app, name: name.slice(0, -app.length - 1) }));
}
