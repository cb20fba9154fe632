/** Two sidecars with an application behind them, as a trace sees them; and what heads say of a trace. */
import type { NetKind } from "../../lib/plane/messages.ts";
import type { RequestRecord, TracingPolicy } from "../../lib/plane/observe.ts";
import { ask, type AskOptions } from "./ask.ts";
import { Instance } from "./instance.ts";
import { recordsOf, watch } from "./observe.ts";
import { type Plane, startPlane } from "./plane.ts";

/** What a head says in each format: trace, span, and the rest as it stands. */
export interface Told {
  readonly format: "w3c" | "b3" | "b3multi";
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly decision: string | undefined;
}

function field(head: string, name: string): string | undefined {
  return new RegExp(`^${name}: *(.*?)\\r$`, "im").exec(head)?.[1];
}

/** The formats in a head, in a fixed order. */
export function toldBy(head: string): readonly Told[] {
  const told: Told[] = [];
  const [, w3cTrace, w3cSpan, flags] =
    /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(field(head, "traceparent") ?? "") ?? [];
  if (w3cTrace !== undefined) {
    told.push({
      format: "w3c",
      traceId: w3cTrace,
      spanId: w3cSpan!,
      parentId: undefined,
      decision: flags,
    });
  }
  const [traceId, spanId, decision, parentId] = field(head, "b3")?.split("-") ?? [];
  if (traceId !== undefined) {
    told.push({ format: "b3", traceId, spanId: spanId!, parentId, decision });
  }
  const multi = field(head, "x-b3-traceid");
  if (multi !== undefined) {
    told.push({
      format: "b3multi",
      traceId: multi,
      spanId: field(head, "x-b3-spanid") ?? "",
      parentId: field(head, "x-b3-parentspanid"),
      decision: field(head, "x-b3-sampled") ?? field(head, "x-b3-flags"),
    });
  }
  return told;
}

/** Whether a head has any field of a trace. */
export function tellsOfTrace(head: string): boolean {
  return /^(traceparent|tracestate|b3|x-b3-[a-z]+):/im.test(head);
}

export interface Mesh extends AsyncDisposable {
  readonly app: Instance;
  readonly consumer: Plane;
  readonly provider: Plane;
  /** Sends one request all the way; gives the head that the application got. */
  call(options?: AskOptions): Promise<string>;
  /** Waits for the records of both sidecars of so many calls. */
  records(count: number): Promise<readonly (readonly [RequestRecord, RequestRecord])[]>;
}

const all = { share: 1, perSecond: 0, write: ["w3c"] } as const;

/** Shape: what is said of one of them changes its tracing; `write` that of both. */
export async function startMesh(
  net: NetKind,
  { consumer = {}, provider = {}, write = all.write }: {
    readonly consumer?: Partial<TracingPolicy> | "off";
    readonly provider?: Partial<TracingPolicy> | "off";
    readonly write?: TracingPolicy["write"] | undefined;
  } = {},
): Promise<Mesh> {
  const app = await Instance.start("app");
  const inbound = await startPlane({
    net,
    roles: ["inbound"],
    policy: { service: "Svc", localPorts: [{ protocol: "rest", port: app.port }] },
  });
  const outbound = await startPlane({
    net,
    services: { Svc: [{ port: inbound.port("inbound"), mesher: true }] },
    policy: { service: "web" },
  });
  const turnOn = async (plane: Plane, tracing: Partial<TracingPolicy> | "off") => {
    if (tracing === "off") return;
    await watch(plane, { logShare: 0, taps: [], tracing: { ...all, write, ...tracing } });
  };
  await turnOn(inbound, provider);
  await turnOn(outbound, consumer);
  return {
    app,
    consumer: outbound,
    provider: inbound,
    async call(options = {}) {
      const { status } = await ask(outbound, "Svc", options);
      if (status !== 200) throw new Error(`answered ${status}`);
      return app.arrivals.at(-1)!.head;
    },
    async records(count) {
      const enough = () =>
        recordsOf(outbound).length >= count && recordsOf(inbound).length >= count;
      await outbound.until(enough, `${count} records of both`);
      return recordsOf(outbound).map((record, index) => [record, recordsOf(inbound)[index]!]);
    },
    async [Symbol.asyncDispose]() {
      await outbound[Symbol.asyncDispose]();
      await inbound[Symbol.asyncDispose]();
      await app[Symbol.asyncDispose]();
    },
  };
}
