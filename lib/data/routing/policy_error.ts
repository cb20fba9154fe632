/** A policy that cannot be put into force, said when it is compiled and never while a request waits. */

/** The message is one sentence: where it stands, what is wrong, what to write instead. */
export class PolicyError extends Error {
  override readonly name = "PolicyError";
}

/** Runs one part of compiling; what goes wrong in it is said to be wrong there. Errors: PolicyError. */
export function inPlace<T>(where: string, compile: () => T): T {
  try {
    return compile();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new PolicyError(`${where}: ${error.message}`, { cause: error });
  }
}

/** Errors: PolicyError for a number that is no share. */
export function checkShare(where: string, share: number): void {
  if (!(share >= 0 && share <= 1)) {
    throw new PolicyError(`${where} is ${share}; a share is a number from 0 to 1`);
  }
}
