/** Answers that go on: server-sent events and lines of JSON, read at the listener's own speed. */

/**
 * Makes a body of what an iterable yields.
 *
 * Shape: one piece at a time, when the listener has taken the one before; `end` is told when the listener leaves.
 */
export function streamed<Item>(
  items: AsyncIterable<Item>,
  options: {
    readonly type: string;
    readonly text: (item: Item) => string;
    readonly end: () => void;
  },
): Response {
  const { type, text, end } = options;
  const encoder = new TextEncoder();
  const iterator = items[Symbol.asyncIterator]();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await iterator.next();
      if (next.done) controller.close();
      else controller.enqueue(encoder.encode(text(next.value)));
    },
    cancel() {
      end();
      // Not waited for: it may only come back when the next item is there.
      void iterator.return?.();
    },
  }, { highWaterMark: 0 });
  return new Response(body, {
    headers: { "content-type": type, "x-accel-buffering": "no" },
  });
}

export const eventStream = "text/event-stream";
export const jsonLines = "application/x-ndjson";

/** One event. Shape: `data` has no line breaks, as JSON never has. */
export function eventText(event: string, data: string): string {
  return `event: ${event}\ndata: ${data}\n\n`;
}
