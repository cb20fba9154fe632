/** Assertions of the tests, from node's own strict module so that nothing has to be installed. */
import assert from "node:assert/strict";

export { assert };

/** Deep, strict equality. */
export function assertEquals(actual: unknown, expected: unknown, message?: string): void {
  assert.deepStrictEqual(actual, expected, message);
}

export function assertMatch(actual: string, pattern: RegExp, message?: string): void {
  assert.match(actual, pattern, message);
}

/** Throws unless the promise rejects; returns what it rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new assert.AssertionError({
    message: "expected a rejection, but the promise was fulfilled",
  });
}
