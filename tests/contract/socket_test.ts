/** What every maker of sockets owes the HTTP engine, asked of each of them. */
import type { SocketCase } from "./socket_case.ts";
import { openingCases } from "./socket_opening.ts";
import { streamCases } from "./socket_stream.ts";
import { waitingCases } from "./socket_waiting.ts";
import { type Maker, makers, raw } from "./socket_worlds.ts";

function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

const had: Readonly<Record<NonNullable<SocketCase["needs"]>, boolean>> = {
  "raw peers": raw !== undefined,
  "IPv6": hasIpv6(),
  "unix sockets": Deno.build.os !== "windows",
};

function whyNot(maker: Maker, { except, needs }: SocketCase): string | undefined {
  if (maker.missing !== undefined) return maker.missing;
  if (needs !== undefined && !had[needs]) return `${needs} cannot be had here`;
  return except?.[maker.name];
}

for (const maker of makers) {
  for (const one of [...openingCases, ...streamCases, ...waitingCases]) {
    const reason = whyNot(maker, one);
    Deno.test({
      name: `${maker.title} sockets, ${one.title}${reason ? ` (skipped: ${reason})` : ""}`,
      ignore: reason !== undefined,
      fn: () => maker.run(one.story),
    });
  }
}
