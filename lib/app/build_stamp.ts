/** Where a build comes from; the build puts a module with its own values in this one's place. */

/** The commit, with `-changed` behind it when files differed from it. Undefined from source and without git. */
export const commit: string | undefined = undefined;

/** When it was built, ISO 8601. Undefined from source. */
export const builtAt: string | undefined = undefined;
