/** Spans as Zipkin takes them: its API of version 2, in JSON that is written as the spans come. */
import { isIpv4 } from "../../core/address.ts";
import { quoted } from "../../core/json_text.ts";
import { TextBytes } from "../../core/text_bytes.ts";
import { Known, KnownOf } from "./known.ts";
import type { SpanBody, SpanHead } from "./spans.ts";

/** Shape: there is no word for internal ones; they have none. */
const kinds = { internal: "", server: `,"kind":"SERVER"`, client: `,"kind":"CLIENT"` } as const;

/** The body of a POST to /api/v2/spans. Source: Zipkin API v2, list of spans. */
export class ZipkinBody implements SpanBody {
  readonly #local: string;
  readonly #quoted = new Known(quoted);
  readonly #hosts = new Known(hostMember);
  readonly #names = new Known((name) => quoted(name.toLowerCase()));
  readonly #tags = new KnownOf(tag);
  readonly #bytes = new TextBytes();
  /** Of the span under way. */
  #text = "";
  #separator = "";
  #isClient = false;
  /** What is known of the other side. */
  #peer = "";
  #host = "";
  #port = 0;

  constructor(service: string) {
    this.#local = `,"localEndpoint":{"serviceName":${quoted(service)}},"tags":{`;
  }

  begin(head: SpanHead): void {
    const { traceId, spanId, parentId, name, kind, startMs, endMs } = head;
    const duration = Math.max(1, Math.round((endMs - startMs) * 1000));
    let text = `${this.#bytes.length === 0 ? "[" : ","}{"traceId":"${traceId}","id":"${spanId}"`;
    if (parentId !== undefined) text += `,"parentId":"${parentId}"`;
    this.#text = `${text}${kinds[kind]},"name":${this.#names.of(name)}` +
      `,"timestamp":${Math.round(startMs * 1000)},"duration":${duration}${this.#local}`;
    this.#separator = this.#peer = this.#host = "";
    this.#port = 0;
    this.#isClient = kind === "client";
  }

  text(name: string, value: string): void {
    if (name === (this.#isClient ? "peer.service" : "mesher.caller")) this.#peer = value;
    if (name === (this.#isClient ? "network.peer.address" : "client.address")) this.#host = value;
    // These say nothing that the span's own members do not.
    if (name === "peer.service" || name === "network.peer.address") return;
    this.#add(this.#tags.of(name, value));
  }

  anyText(name: string, value: string): void {
    this.#add(tag(name, value));
  }

  whole(name: string, value: number): void {
    if (name === (this.#isClient ? "network.peer.port" : "client.port")) this.#port = value;
    if (name !== "network.peer.port") this.#add(`"${name}":"${value}"`);
  }

  #add(tag: string): void {
    this.#text += this.#separator + tag;
    this.#separator = ",";
  }

  end(error: string | undefined): void {
    if (error !== undefined) this.#add(`"error":${quoted(error)}`);
    this.#bytes.append(`${this.#text}}${this.#remote()}}`);
  }

  #remote(): string {
    let members = this.#peer === "" ? "" : `,"serviceName":${this.#quoted.of(this.#peer)}`;
    if (this.#host !== "") members += this.#hosts.of(this.#host);
    if (this.#port > 0) members += `,"port":${this.#port}`;
    return members === "" ? "" : `,"remoteEndpoint":{${members.slice(1)}}`;
  }

  get length(): number {
    return this.#bytes.length;
  }

  take(): Uint8Array<ArrayBuffer> {
    this.#bytes.append("]");
    return this.#bytes.take();
  }
}

/** Shape: with the comma before it; empty for a name, which Zipkin has no member for. */
function hostMember(host: string): string {
  if (isIpv4(host)) return `,"ipv4":${quoted(host)}`;
  return host.includes(":") ? `,"ipv6":${quoted(host)}` : "";
}

function tag(name: string, value: string): string {
  return `${quoted(name)}:${quoted(value)}`;
}
