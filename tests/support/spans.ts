/** The spans of a request as values, and bodies for collectors read back. */
import { type SpanBody, type SpanHead, SpanTeller } from "../../lib/control/telemetry/spans.ts";
import type { RequestRecord } from "../../lib/plane/observe.ts";

/** Shape: members that are not there are lacking. */
export interface Span extends Partial<SpanHead> {
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly error?: string;
}

/** What a writer is told of a record. Errors: of an attribute that comes twice. */
export function spansOf(record: RequestRecord): readonly Span[] {
  const spans: Span[] = [];
  let head: Partial<SpanHead> = {};
  let attributes: Record<string, string | number> = {};
  const add = (name: string, value: string | number) => {
    if (name in attributes) throw new Error(`${name} comes twice`);
    attributes[name] = value;
  };
  const teller = new SpanTeller({
    begin(parts) {
      head = Object.fromEntries(
        Object.entries(parts).filter(([, value]) => value !== undefined),
      );
      attributes = {};
    },
    text: add,
    anyText: add,
    whole: add,
    end: (error) => spans.push({ ...head, attributes, ...(error === undefined ? {} : { error }) }),
  });
  teller.tell(record);
  return spans;
}

/** The JSON that a collector gets for these records. */
export function bodyOf(body: SpanBody, records: readonly RequestRecord[]): unknown {
  const teller = new SpanTeller(body);
  for (const record of records) teller.tell(record);
  return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body.take()));
}
