/** One whole request through a data plane, on a raw connection of its own. */
import type { ListenerRole } from "../../lib/plane/messages.ts";
import type { Plane } from "./plane.ts";
import { pickPort } from "./ports.ts";
import { head } from "./raw.ts";

export interface Asked {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

export interface AskOptions {
  readonly method?: string;
  readonly path?: string;
  readonly body?: string;
  readonly fields?: readonly string[];
  readonly role?: ListenerRole;
}

/** Sends one request to a host and reads the answer, whose body has to have a length. */
export async function ask(plane: Plane, host: string, options: AskOptions = {}): Promise<Asked> {
  const { method = "GET", path = "/", body, fields = [], role = "outbound" } = options;
  const client = await plane.client(role);
  try {
    const length = body === undefined ? [] : [`Content-Length: ${body.length}`];
    client.send(
      head(`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...fields, ...length) + (body ?? ""),
    );
    const answer = await client.message();
    return { status: Number(answer.head.slice(9, 12)), ...answer };
  } finally {
    client.close();
  }
}

/** The code of an answer that mesher gave itself, and its words. */
export function problemOf(asked: Asked): { readonly code: string; readonly detail: string } {
  const { code, detail } = JSON.parse(asked.body);
  return { code, detail };
}

/** A port of 127.0.0.1 where nobody listens. */
export function deadPort(): number {
  return pickPort();
}
