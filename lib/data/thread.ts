/** Entry of one data thread: its loop, its messages, its end. */
import { openLibc } from "../plane/libc.ts";
import type { FromThread, ThreadStart, ToThread } from "../plane/messages.ts";
import { NativeNet } from "./net/native/loop.ts";
import { PortableNet } from "./net/portable/net.ts";
import { DataPlane } from "./plane.ts";

/** The part of a worker's global scope that is used here. */
interface Scope {
  onmessage: ((event: MessageEvent<ToThread | ThreadStart>) => void) | null;
  onunhandledrejection: ((event: PromiseRejectionEvent) => void) | null;
  postMessage(message: FromThread): void;
  close(): void;
}

const scope = self as unknown as Scope;
const post = (message: FromThread): void => scope.postMessage(message);

/** Turns of the event loop that are waited for one message; each takes far less than a millisecond. */
const maxMessageTurns = 1000;

scope.onmessage = (event) => {
  const { data } = event;
  if (data.kind === "start") run(data).catch((error) => fatal(error));
};
scope.onunhandledrejection = (event) => {
  event.preventDefault();
  fatal(event.reason);
};

function fatal(error: unknown): void {
  const text = error instanceof Error ? error.stack ?? error.message : String(error);
  post({ kind: "fatal", message: text });
  scope.close();
}

async function run(start: ThreadStart): Promise<void> {
  const sequence = new Int32Array(start.sequence);
  let stopped = false;
  let received = 0;
  let plane: DataPlane;
  scope.onmessage = (event) => {
    const message = event.data as ToThread;
    received = message.sequence;
    if (message.kind === "stop") stopped = true;
    else plane.receive(message);
    if (stopped) onStop();
  };
  let onStop = () => {};
  if (start.net === "portable") {
    const net = new PortableNet();
    plane = new DataPlane({ net, start, post, random: Math.random });
    await new Promise<void>((resolve) => {
      const turn = setInterval(() => plane.turned(net.now()), 250);
      onStop = () => {
        clearInterval(turn);
        resolve();
      };
    });
    plane.stop();
    net.stop();
  } else {
    const libc = openLibc();
    if (libc === undefined) throw new Error("the C library cannot be opened in a data thread");
    const net = new NativeNet(libc, new Uint8Array(start.descriptors));
    plane = new DataPlane({ net, start, post, random: Math.random });
    await net.run(start.wakeFd, {
      stopped: () => stopped,
      async messages() {
        // The wake-up may arrive before the message that it announces.
        for (let turn = 0; turn < maxMessageTurns; turn++) {
          await new Promise<void>((resolve) => setImmediate(resolve));
          if (received >= Atomics.load(sequence, 0)) return;
        }
      },
      turned: (nowMs) => plane.turned(nowMs),
    });
    plane.stop();
  }
  scope.close();
}
