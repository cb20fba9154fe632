/** The data thread with one fault built in: a message of the test makes it throw where nobody catches it. */
import "../../lib/data/thread.ts";

self.addEventListener("message", (event) => {
  const { kind } = (event as MessageEvent<{ readonly kind?: string }>).data;
  if (kind === "test_throw") throw new Error("a fault of the test");
  if (kind === "test_reject") Promise.reject(new Error("a rejection of the test"));
});
