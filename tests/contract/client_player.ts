/** A registry made of recorded exchanges: answers our client as the real one answered, and compares what was asked. */
import { assert } from "@test/assert";
import type { Exchange, Recording } from "./embedded_recording.ts";

/** One request of our client beside the recorded one it corresponds to. */
export interface Played {
  /** `file name`, as the recording calls it. */
  readonly recorded: string;
  readonly method: string;
  readonly path: string;
  /** What is not as recorded, in sentences. */
  readonly differences: readonly string[];
}

export function readRecording(file: string): Recording {
  const url = new URL(`./recorded/${file}.json`, import.meta.url);
  return JSON.parse(Deno.readTextFileSync(url));
}

/** A recorded exchange with its file. */
interface Card {
  readonly file: string;
  readonly exchange: Exchange;
}

/** Headers that say something to the registry; names of programs and transfer details do not. */
const telling = ["x-domain-name", "x-consumerid", "content-type", "authorization"];

/**
 * Plays the exchanges at the named places, each of them once for every request that fits, in order.
 *
 * Shape: a request is answered by the next exchange with its method and path; nothing else is answered.
 */
export class ClientPlayer {
  readonly played: Played[] = [];
  /** Requests that the recording has nothing for. */
  readonly strange: string[] = [];
  readonly captures = new Map<string, string>();
  readonly #cards: Card[];

  /** `cards` are pairs of a file and the position of an exchange in it. */
  constructor(cards: readonly (readonly [file: string, index: number])[]) {
    this.#cards = cards.map(cardAt);
  }

  /** Plays other exchanges before the rest. */
  preface(cards: readonly (readonly [file: string, index: number])[]): void {
    this.#cards.unshift(...cards.map(cardAt));
  }

  /** The exchanges that have not been asked for. */
  get left(): readonly string[] {
    return this.#cards.map(({ file, exchange }) => `${file} ${exchange.name}`);
  }

  readonly handle = async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    const text = await request.text();
    const body: unknown = text === "" ? undefined : JSON.parse(text);
    const at = this.#cards.findIndex(({ exchange }) =>
      exchange.request!.method === request.method && this.#fits(exchange.request!.path, url)
    );
    const card = this.#cards[at];
    if (!card) {
      this.strange.push(`${request.method} ${url.pathname}${url.search}`);
      return new Response("nothing is recorded for this", { status: 500 });
    }
    this.#cards.splice(at, 1);
    this.#capture(card.exchange, body);
    this.played.push({
      recorded: `${card.file} ${card.exchange.name}`,
      method: request.method,
      path: url.pathname,
      differences: [
        ...this.#query(card.exchange.request!.path, url),
        ...this.#headers(card.exchange, request.headers),
        ...shape("body", this.#filled(card.exchange.request!.body), body),
      ],
    });
    return this.#answer(card.exchange);
  };

  #fits(recorded: string, url: URL): boolean {
    const path = recorded.split("?")[0]!;
    const pattern = path.split("/").map((part) => {
      const name = /^\{\{(.*)\}\}$/.exec(part)?.[1];
      if (name === undefined) return escaped(part);
      const known = this.captures.get(name);
      return known === undefined ? "[^/]+" : escaped(encodeURIComponent(known));
    }).join("/");
    return new RegExp(`^${pattern}$`).test(url.pathname);
  }

  /** Ids that the answer hands out; an instance keeps the id that our client chose. */
  #capture(exchange: Exchange, body: unknown): void {
    const chosen = (body as { readonly instance?: { readonly instanceId?: string } } | undefined)
      ?.instance?.instanceId;
    for (const [name, where] of Object.entries(exchange.capture ?? {})) {
      const own = where === "$.instanceId" ? chosen : undefined;
      this.captures.set(name, own ?? this.captures.get(name) ?? `recorded-${name}`);
    }
  }

  #filled<T>(value: T): T {
    if (value === undefined) return value;
    const text = JSON.stringify(value).replace(
      /\{\{(\w+)\}\}/g,
      (_, name) => this.captures.get(name) ?? "",
    );
    return JSON.parse(text);
  }

  #query(recorded: string, url: URL): readonly string[] {
    const expected = new URL(this.#filled(recorded), url).searchParams;
    const actual = url.searchParams;
    return [...new Set([...expected.keys(), ...actual.keys()])].flatMap((key) => {
      // An empty parameter and a missing one mean the same to the registry, as other recordings show.
      const [wanted, got] = [expected.get(key) ?? "", actual.get(key) ?? ""];
      return wanted === got ? [] : [`query ${key} is "${got}", recorded is "${wanted}"`];
    });
  }

  #headers(exchange: Exchange, actual: Headers): readonly string[] {
    const expected = new Headers(this.#filled(exchange.request!.headers) ?? {});
    return telling.flatMap((name) => {
      const wanted = expected.get(name) ?? (name === "x-domain-name" ? "default" : null);
      const got = actual.get(name);
      return wanted === got ? [] : [`header ${name} is ${got}, recorded is ${wanted}`];
    });
  }

  #answer(exchange: Exchange): Response {
    const { status, headers, body } = this.#filled(exchange.response!);
    const text = body === null ? null : typeof body === "string" ? body : JSON.stringify(body);
    return new Response(text, { status, headers: { ...headers } });
  }
}

function cardAt([file, index]: readonly [file: string, index: number]): Card {
  const exchange = readRecording(file).exchanges[index];
  assert(exchange?.request, `${file} has no request ${index}`);
  return { file, exchange };
}

/** Compares JSON values: keys, types, and the values themselves. */
function shape(where: string, expected: unknown, actual: unknown): readonly string[] {
  if (typeof expected !== "object" || expected === null || typeof actual !== "object") {
    return JSON.stringify(expected) === JSON.stringify(actual)
      ? []
      : [`${where} is ${JSON.stringify(actual)}, recorded is ${JSON.stringify(expected)}`];
  }
  if (actual === null || Array.isArray(expected) !== Array.isArray(actual)) {
    return [`${where} is of another type`];
  }
  const [left, right] = [expected, actual] as Record<string, unknown>[];
  return [...new Set([...Object.keys(left!), ...Object.keys(right!)])].flatMap((key) =>
    key in left! && key in right!
      ? shape(`${where}.${key}`, left![key], right![key])
      : [`${where}.${key} is ${key in left! ? "missing" : JSON.stringify(right![key])}`]
  );
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
