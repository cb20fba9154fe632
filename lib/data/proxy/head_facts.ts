/** What rules may ask about a request, read from its bytes only when they ask. */
import { equalsIgnoreCase, findByte, latin1, utf8 } from "../http1/bytes.ts";
import { kind } from "../http1/fields.ts";
import type { RequestHead } from "../http1/request_head.ts";
import type { RequestFacts } from "../routing/facts.ts";

/** Shape: valid until the next head of the thread is parsed, so never across an await. */
export class HeadFacts implements RequestFacts {
  source = "";
  readonly #head: RequestHead;
  #bytes: Uint8Array = new Uint8Array(0);
  #pathFrom = 0;
  #pathTo = 0;
  #service: string | undefined;

  constructor(head: RequestHead) {
    this.#head = head;
  }

  /** Shape: `service` is the caller where that is known from the listener; otherwise the fields say it. */
  about(
    bytes: Uint8Array,
    { path, source, service }: {
      readonly path: { readonly from: number; readonly to: number };
      readonly source: string;
      readonly service?: string | undefined;
    },
  ): this {
    this.#bytes = bytes;
    this.#pathFrom = path.from;
    this.#pathTo = path.to;
    this.source = source;
    this.#service = service;
    return this;
  }

  get method(): string {
    return latin1(this.#bytes, this.#head.methodFrom, this.#head.methodTo);
  }

  get #queryAt(): number {
    return findByte(this.#bytes, 63, { from: this.#pathFrom, to: this.#pathTo });
  }

  /** An absolute target without a path is for `/`. */
  get path(): string {
    return utf8(this.#bytes, this.#pathFrom, this.#queryAt) || "/";
  }

  get query(): string {
    return utf8(this.#bytes, Math.min(this.#queryAt + 1, this.#pathTo), this.#pathTo);
  }

  /** Several fields of one name are joined as a list. Source: RFC 9110 section 5.3, RFC 6265 for Cookie. */
  header(name: string): string | undefined {
    const { fields } = this.#head;
    const lower = name.toLowerCase();
    let text: string | undefined;
    for (let index = 0; index < fields.count; index++) {
      const range = { from: fields.nameFrom(index), to: fields.nameTo(index) };
      if (!equalsIgnoreCase(this.#bytes, range, lower)) continue;
      const value = utf8(this.#bytes, fields.valueFrom(index), fields.valueTo(index));
      text = text === undefined ? value : `${text}${lower === "cookie" ? "; " : ", "}${value}`;
    }
    return text;
  }

  get caller(): string {
    return this.#service ?? callerOf(this.#head, this.#bytes);
  }
}

/** The calling service, as its framework or sidecar says; empty when nobody says. */
export function callerOf({ fields }: RequestHead, bytes: Uint8Array): string {
  const context = fields.find(kind.cseContext);
  if (context >= 0) {
    try {
      const text = utf8(bytes, fields.valueFrom(context), fields.valueTo(context));
      const name = (JSON.parse(text) as Record<string, unknown> | null)?.["x-cse-src-microservice"];
      if (typeof name === "string") return name;
    } catch {
      // A context that is no JSON names nobody.
    }
  }
  const source = fields.find(kind.cseSource);
  return source < 0 ? "" : utf8(bytes, fields.valueFrom(source), fields.valueTo(source));
}
