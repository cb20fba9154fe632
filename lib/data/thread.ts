/** Entry of one data thread: its loop, its messages, its end. */
import { openLibc } from "../plane/libc.ts";
import type { FromThread, ThreadStart, ToThread } from "../plane/messages.ts";
import { giveBackMemory } from "../plane/spare_memory.ts";
import { Inbox } from "./inbox.ts";
import { NativeNet } from "./net/native/loop.ts";
import { PortableNet } from "./net/portable/net.ts";
import { DataPlane } from "./plane.ts";
import { type Loop, Tidying } from "./tidying.ts";

/** The part of a worker's global scope that is used here. */
interface Scope {
  onmessage: ((event: MessageEvent<ToThread | ThreadStart>) => void) | null;
  onunhandledrejection: ((event: PromiseRejectionEvent) => void) | null;
  addEventListener(type: "error", listener: (event: ErrorEvent) => void): void;
  postMessage(message: FromThread): void;
  close(): void;
}

const scope = self as unknown as Scope;
const post = (message: FromThread): void => scope.postMessage(message);

/** Ends the loop; set while it runs. */
let endLoop: (() => void) | undefined;
/** The error that the thread dies of. */
let death: string | undefined;

scope.onmessage = (event) => {
  const { data } = event;
  if (data.kind !== "start") return;
  run(data).catch((error) => {
    endLoop = undefined;
    if (death === undefined) fatal(error);
    else tellDeath(death);
  });
};
scope.onunhandledrejection = (event) => {
  event.preventDefault();
  fatal(event.reason);
};
// Without this an error outside a promise would be told to control only when the loop next looks at its messages.
scope.addEventListener("error", (event) => {
  event.preventDefault();
  fatal(event.error);
});

/**
 * Dies. Control closes the descriptors of a dead thread, whose numbers are used again at once; so it is told only
 * when the loop has ended and nothing here touches a socket any more.
 */
function fatal(error: unknown): void {
  if (death !== undefined) return;
  death = error instanceof Error ? error.stack ?? error.message : String(error);
  if (endLoop === undefined) tellDeath(death);
  else endLoop();
}

function tellDeath(message: string): void {
  post({ kind: "fatal", message });
  scope.close();
}

async function run(start: ThreadStart): Promise<void> {
  const inbox = new Inbox({
    announced: new Int32Array(start.sequence),
    deliver: () => new Promise((resolve) => setImmediate(resolve)),
    now: () => performance.now(),
  });
  let stopped = false;
  let onStop = () => {};
  let plane: DataPlane;
  scope.onmessage = (event) => {
    const message = event.data as ToThread;
    inbox.received(message.sequence);
    if (message.kind === "stop") stop();
    else if (!stopped) plane.receive(message);
  };
  const stop = (): void => {
    stopped = true;
    onStop();
  };
  const libc = openLibc();
  const tidyingOf = (loop: Loop) =>
    new Tidying(loop, () => {
      giveBackMemory();
      // What compiling took is free, but kept by the C library.
      libc?.trimHeaps();
    });
  if (start.net === "portable") {
    const net = new PortableNet();
    plane = new DataPlane({ net, start, post, random: Math.random });
    endLoop = stop;
    const tidying = tidyingOf(net);
    await new Promise<void>((resolve) => {
      const turn = setInterval(() => {
        plane.turned(net.now());
        tidying.turned(plane.context.clients.size);
      }, 250);
      onStop = () => {
        clearInterval(turn);
        resolve();
      };
    });
    if (death === undefined) plane.stop();
    net.stop();
  } else {
    if (libc === undefined) throw new Error("the C library cannot be opened in a data thread");
    const net = new NativeNet(libc, new Uint8Array(start.descriptors));
    plane = new DataPlane({ net, start, post, random: Math.random });
    endLoop = stop;
    const tidying = tidyingOf(net);
    await net.run(start.wakeFd, {
      stopped: () => stopped,
      messages: () => inbox.take(),
      turned(nowMs) {
        plane.turned(nowMs);
        tidying.turned(plane.context.clients.size);
      },
    });
    if (death === undefined) plane.stop();
  }
  endLoop = undefined;
  if (death === undefined) scope.close();
  else tellDeath(death);
}
