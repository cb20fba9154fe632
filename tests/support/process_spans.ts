/** A collector of a test's own: takes what sidecars send, as long as it is what the protocol says. */
import { type OtlpTraces, otlpTraces } from "./otlp_schema.ts";
import type { Lab } from "./process.ts";
import { until } from "./process.ts";
import { serveApp } from "./process_http.ts";

type OtlpSpan = OtlpTraces["resourceSpans"][0]["scopeSpans"][0]["spans"][0];

/** One span with its attributes as plain values and the service that it came from. */
export interface ReceivedSpan {
  readonly from: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly state: string | undefined;
  readonly name: string;
  readonly kind: "internal" | "server" | "client" | undefined;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly failed: boolean;
  readonly attributes: Readonly<Record<string, string | number>>;
}

export class Receiver {
  readonly url: string;
  readonly spans: ReceivedSpan[] = [];
  /** Requests that came. */
  posts = 0;
  /** What in a request was not as the protocol says; empty when all is well. */
  readonly complaints: string[] = [];
  /** While set, no request is answered. */
  held: Promise<void> | undefined;

  constructor(lab: Lab) {
    this.url = `http://127.0.0.1:${serveApp(lab, (request) => this.#take(request))}`;
  }

  async #take(request: Request): Promise<Response> {
    this.posts++;
    const { pathname } = new URL(request.url);
    const type = request.headers.get("content-type");
    if (pathname !== "/v1/traces" || request.method !== "POST" || type !== "application/json") {
      this.complaints.push(`${request.method} ${pathname} ${type}`);
    }
    const parsed = otlpTraces.safeParse(await request.json());
    await this.held;
    if (!parsed.success) this.complaints.push(parsed.error.message);
    else this.#add(parsed.data);
    return Response.json({});
  }

  #add({ resourceSpans }: OtlpTraces): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      const from = String(plain(resource.attributes)["service.name"]);
      for (const { spans } of scopeSpans) {
        for (const span of spans) this.spans.push(received(span, from));
      }
    }
  }

  /** Waits until all these spans have come. */
  async until(
    enough: (spans: readonly ReceivedSpan[]) => boolean,
    what: string,
  ): Promise<readonly ReceivedSpan[]> {
    return await until(
      () => enough(this.spans) ? this.spans : undefined,
      () => `${what}; got ${this.spans.length} spans, complaints: ${this.complaints}`,
    );
  }
}

const kinds = [undefined, "internal", "server", "client"] as const;

function received(span: OtlpSpan, from: string): ReceivedSpan {
  return {
    from,
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    state: span.traceState,
    name: span.name,
    kind: kinds[span.kind],
    startNs: BigInt(span.startTimeUnixNano),
    endNs: BigInt(span.endTimeUnixNano),
    failed: span.status?.code === 2,
    attributes: plain(span.attributes ?? []),
  };
}

function plain(
  attributes: NonNullable<OtlpSpan["attributes"]>,
): Record<string, string | number> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]),
  );
}
