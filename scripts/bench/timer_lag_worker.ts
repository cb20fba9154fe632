/** A thread that does nothing but set timers, to see how late the machine lets them come. */

const scope = self as unknown as {
  postMessage(message: unknown): void;
  onmessage: (event: MessageEvent) => void;
};
const everyMs = 10;
const lateMs: number[] = [];

let dueMs = performance.now() + everyMs;
const timer = setInterval(() => {
  const nowMs = performance.now();
  lateMs.push(Math.max(0, nowMs - dueMs));
  // From now on, so that one long wait is not counted again with every timer behind it.
  dueMs = nowMs + everyMs;
}, everyMs);

// Whatever is said to it means that it is enough.
scope.onmessage = () => {
  clearInterval(timer);
  scope.postMessage(lateMs);
};
