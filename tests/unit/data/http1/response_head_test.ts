/** The parser of response heads: status, reason, where the body ends, what is refused. */
import { assert, assertEquals, assertMatch } from "@test/assert";
import { type BodyEnd, ResponseHead } from "../../../../lib/data/http1/response_head.ts";
import { fieldList, response, textOf } from "./support.ts";

Deno.test("response head, status, reason and fields are read out as they stand", () => {
  const text = "HTTP/1.1 404 Not \xe4 Found\r\nA:1\r\n\r\nbody";
  const { verdict, head, bytes } = response(text);
  assertEquals(verdict, { kind: "head", end: text.length - 4 });
  assertEquals([head.status, head.minor, head.end], [404, 1, text.length - 4]);
  assertEquals(textOf(bytes, head.reasonFrom, head.reasonTo), " Not \xe4 Found");
  assertEquals(fieldList(bytes, head.fields), [["A", "1"]]);
});

const length = "Content-Length: 7\r\n", chunked = "Transfer-Encoding: chunked\r\n";

const ends: readonly {
  readonly line: string;
  readonly fields: string;
  readonly head?: boolean;
  readonly end: BodyEnd;
  readonly keepAlive: boolean;
}[] = [
  { line: "HTTP/1.1 200 OK", fields: length, end: "length", keepAlive: true },
  { line: "HTTP/1.1 200 OK", fields: chunked, end: "chunked", keepAlive: true },
  { line: "HTTP/1.1 200 OK", fields: "", end: "close", keepAlive: true },
  { line: "HTTP/1.1 200 OK", fields: "Content-Length: 0\r\n", end: "none", keepAlive: true },
  { line: "HTTP/1.1 200 ", fields: length, end: "length", keepAlive: true },
  { line: "HTTP/1.1 200", fields: length, end: "length", keepAlive: true },
  { line: "HTTP/1.1 200 OK", fields: length, head: true, end: "none", keepAlive: true },
  { line: "HTTP/1.1 200 OK", fields: chunked, head: true, end: "none", keepAlive: true },
  { line: "HTTP/1.1 200 OK", fields: "", head: true, end: "none", keepAlive: true },
  { line: "HTTP/1.1 204 No Content", fields: length, end: "none", keepAlive: true },
  { line: "HTTP/1.1 304 Not Modified", fields: length, end: "none", keepAlive: true },
  { line: "HTTP/1.1 304 Not Modified", fields: chunked, end: "none", keepAlive: true },
  { line: "HTTP/1.1 100 Continue", fields: "", end: "none", keepAlive: true },
  { line: "HTTP/1.1 101 Switching", fields: "Upgrade: x\r\n", end: "none", keepAlive: true },
  { line: "HTTP/1.1 103 Early Hints", fields: length, end: "none", keepAlive: true },
  { line: "HTTP/1.1 205 Reset", fields: "", end: "close", keepAlive: true },
  { line: "HTTP/1.1 599 x", fields: length, end: "length", keepAlive: true },
  { line: "HTTP/1.0 200 OK", fields: length, end: "length", keepAlive: false },
  {
    line: "HTTP/1.0 200 OK",
    fields: length + "Connection: keep-alive\r\n",
    end: "length",
    keepAlive: true,
  },
  {
    line: "HTTP/1.1 200 OK",
    fields: length + "Connection: Close\r\n",
    end: "length",
    keepAlive: false,
  },
  { line: "HTTP/1.9 200 OK", fields: chunked, end: "chunked", keepAlive: true },
];

for (const { line, fields, head: requestWasHead = false, end, keepAlive } of ends) {
  const title = `${line} ${fields.replaceAll("\r\n", " ")}${requestWasHead ? "to HEAD " : ""}`;
  Deno.test(`response head, ${title}ends by ${end}, keeps alive: ${keepAlive}`, () => {
    const text = `${line}\r\n${fields}\r\n`;
    const { verdict, head } = response(text);
    assertEquals(verdict, { kind: "head", end: text.length });
    assertEquals([head.bodyEnd(requestWasHead), head.keepAlive], [end, keepAlive]);
    for (let cut = 0; cut < text.length; cut++) {
      assertEquals(response(text.slice(0, cut)).verdict, { kind: "incomplete" }, `cut at ${cut}`);
    }
  });
}

const ok = "HTTP/1.1 200 OK\r\n";
const refused: readonly (readonly [title: string, text: string, why: RegExp])[] = [
  ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n", /begin with HTTP/],
  ["HTTP/2", "HTTP/2.0 200 OK\r\n\r\n", /begin with HTTP/],
  ["a leading empty line", "\r\nHTTP/1.1 200 OK\r\n\r\n", /begin with HTTP/],
  ["small letters", "http/1.1 200 OK\r\n\r\n", /begin with HTTP/],
  ["a minor version that is no digit", "HTTP/1.x 200 OK\r\n\r\n", /without a version/],
  ["a minor version of two digits", "HTTP/1.10 200 OK\r\n\r\n", /without a version/],
  ["a tab before the status", "HTTP/1.1\t200 OK\r\n\r\n", /without a version/],
  ["two digits of status", "HTTP/1.1 20 OK\r\n\r\n", /not three digits/],
  ["four digits of status", "HTTP/1.1 2000 OK\r\n\r\n", /not three digits/],
  ["a status that is no number", "HTTP/1.1 2x0 OK\r\n\r\n", /not three digits/],
  ["status 000", "HTTP/1.1 000 OK\r\n\r\n", /status 0/],
  ["status 099", "HTTP/1.1 099 OK\r\n\r\n", /status 99/],
  ["status 600", "HTTP/1.1 600 OK\r\n\r\n", /status 600/],
  ["a bare LF after the status line", "HTTP/1.1 200 OK\nA: b\r\n\r\n", /CR LF|control/],
  ["a bare CR in the reason", "HTTP/1.1 200 O\rK\r\n\r\n", /CR LF/],
  ["a zero byte in the reason", "HTTP/1.1 200 O\0K\r\n\r\n", /CR LF|control/],
  ["a folded field", ok + "a: b\r\n c\r\n\r\n", /folded/],
  ["a space before the colon", ok + "a : b\r\n\r\n", /space between/],
  ["both framings", ok + length + chunked + "\r\n", /both/],
  ["two Content-Length", ok + length + length + "\r\n", /more than one/],
  ["different Content-Length", ok + length + "Content-Length: 8\r\n\r\n", /more than one/],
  ["another transfer coding", ok + "Transfer-Encoding: gzip, chunked\r\n\r\n", /other than/],
  ["Transfer-Encoding in HTTP/1.0", "HTTP/1.0 200 OK\r\n" + chunked + "\r\n", /HTTP\/1\.0/],
];

for (const [title, text, why] of refused) {
  Deno.test(`response head, refused: ${title}`, () => {
    const { verdict } = response(text);
    assert.ok(verdict.kind === "refused", `taken as ${JSON.stringify(verdict)}`);
    assertMatch(verdict.why, why);
    for (let cut = 0; cut < text.length; cut++) {
      const early = response(text.slice(0, cut)).verdict;
      assert.ok(early.kind !== "head", `a head at ${cut}`);
    }
  });
}

Deno.test("response head, one object used again forgets the answer before", () => {
  const head = new ResponseHead();
  response("HTTP/1.0 503 x\r\n" + chunked.replace("chunked", "x") + "\r\n", { head });
  response("HTTP/1.1 200 OK\r\nConnection: close\r\n" + length + "\r\n", { head });
  response("HTTP/1.1 200 OK\r\n\r\n", { head });
  assertEquals([head.keepAlive, head.bodyEnd(false), head.fields.count], [true, "close", 0]);
});
