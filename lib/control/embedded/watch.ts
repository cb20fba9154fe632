/** Tells watching consumers about every change of the providers they have asked for. */
import type { Clock, Logger } from "../../core/ports.ts";
import { isVisible } from "./find.ts";
import { nameKeyText, type Partition } from "./partition.ts";
import { instanceJson, type ServiceRecord } from "./records.ts";
import type { StoreEvent } from "./store_parts.ts";

/** The part of a web socket that is needed here. */
export type WatchSocket = Pick<
  WebSocket,
  "send" | "close" | "readyState" | "bufferedAmount" | "addEventListener"
>;

/** What a watcher of a service that is not there gets; clients look for exactly these words. */
const goneNotice = "service does not exist";

// Between a consumer's find and its watch there is a gap; events this young are told to a new watcher, too.
const recentMs = 500;
const maxRecent = 1_000;
// A watcher that does not read this much loses its connection; it pulls everything when it comes back.
const maxBufferedBytes = 4 * 1024 * 1024;
const maxClientFrame = 64;
const open = 1;

/** The open watchers of all tenants. */
export class WatchHub {
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** By tenant and consumer id. */
  readonly #sockets = new Map<string, Set<WatchSocket>>();
  readonly #recent: { readonly atMs: number; readonly event: StoreEvent }[] = [];
  #count = 0;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** How many watchers are connected. */
  get size(): number {
    return this.#count;
  }

  /** Takes over a socket whose handshake has been answered. */
  accept(socket: WatchSocket, watch: { partition: () => Partition; consumerId: string }): void {
    const { partition, consumerId } = watch;
    const greet = () => {
      if (partition().services.has(consumerId)) this.#join(socket, partition(), consumerId);
      else dismiss(socket);
    };
    if (socket.readyState === open) greet();
    else socket.addEventListener("open", greet, { once: true });
  }

  /** Sends an event to everybody whom it concerns. */
  publish(event: StoreEvent): void {
    this.#remember(event);
    const { partition, instance } = event;
    let frame: string | undefined;
    for (const consumerId of partition.pairs.consumersOf(nameKeyText(instance.service))) {
      const sockets = this.#sockets.get(roomOf(partition, consumerId));
      if (!sockets || !concerns(event, partition.services.get(consumerId))) continue;
      frame ??= frameOf(event);
      for (const socket of sockets) this.#send(socket, frame);
    }
  }

  /** The service of these watchers is gone: they are told and disconnected, so that they create it anew. */
  dismissService(partition: Partition, service: ServiceRecord): void {
    for (const socket of this.#sockets.get(roomOf(partition, service.serviceId)) ?? []) {
      dismiss(socket);
    }
  }

  /** Disconnects everybody. */
  close(): void {
    for (const sockets of this.#sockets.values()) {
      for (const socket of sockets) socket.close(1001, "the registry stops");
    }
  }

  #remember(event: StoreEvent): void {
    const atMs = this.#clock.now();
    const old = this.#recent.findIndex((one) => one.atMs >= atMs - recentMs);
    this.#recent.splice(0, old < 0 ? this.#recent.length : old);
    if (this.#recent.length >= maxRecent) this.#recent.splice(0, maxRecent / 2);
    this.#recent.push({ atMs, event });
  }

  #join(socket: WatchSocket, partition: Partition, consumerId: string): void {
    const room = roomOf(partition, consumerId);
    const sockets = this.#sockets.get(room) ?? new Set();
    this.#sockets.set(room, sockets.add(socket));
    this.#count++;
    socket.addEventListener("close", () => {
      if (!sockets.delete(socket)) return;
      this.#count--;
      if (sockets.size === 0 && this.#sockets.get(room) === sockets) this.#sockets.delete(room);
    });
    socket.addEventListener("message", ({ data }: MessageEvent) => {
      if (sizeOf(data) > maxClientFrame) socket.close(1009, "a watcher has nothing to say");
    });
    this.#catchUp(socket, partition, consumerId);
  }

  #catchUp(socket: WatchSocket, partition: Partition, consumerId: string): void {
    const sinceMs = this.#clock.now() - recentMs;
    const consumer = partition.services.get(consumerId);
    const names = partition.pairs.namesOf(consumerId);
    for (const { atMs, event } of this.#recent) {
      if (atMs < sinceMs || event.partition.id !== partition.id) continue;
      if (!names.has(nameKeyText(event.instance.service)) || !concerns(event, consumer)) continue;
      this.#send(socket, frameOf(event));
    }
  }

  #send(socket: WatchSocket, frame: string): void {
    if (socket.readyState !== open) return;
    if (socket.bufferedAmount > maxBufferedBytes) {
      this.#logger.warn("a watcher does not read its events and is disconnected");
      socket.close(4000, "events are not read");
      return;
    }
    socket.send(frame);
  }
}

function concerns(event: StoreEvent, consumer: ServiceRecord | undefined): boolean {
  return consumer !== undefined && isVisible(consumer, event.instance.service);
}

function dismiss(socket: WatchSocket): void {
  if (socket.readyState === open) socket.send(goneNotice);
  socket.close(1000, goneNotice);
}

function roomOf(partition: Partition, consumerId: string): string {
  return `${partition.id}/${consumerId}`;
}

function frameOf(event: StoreEvent): string {
  const { service } = event.instance;
  return JSON.stringify({
    action: event.action,
    key: {
      tenant: event.partition.tenant,
      environment: service.environment === "" ? undefined : service.environment,
      appId: service.appId,
      serviceName: service.serviceName,
      version: service.version,
    },
    instance: instanceJson(event.instance),
  });
}

function sizeOf(data: unknown): number {
  if (typeof data === "string") return new TextEncoder().encode(data).length;
  if (data instanceof ArrayBuffer) return data.byteLength;
  return data instanceof Blob ? data.size : Infinity;
}
