/** The live page: plain files that the program carries with it, served to anybody who may call at all. */
import * as z from "zod";
import { problem } from "./problem.ts";
import { type Route, route } from "./route.ts";

const tag = "page";

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/** Shape: undefined when there is no such file. The texts are loaded with the first request for one. */
async function pageFile(name: string): Promise<Response | undefined> {
  const { pageFiles } = await import("./page/files.ts");
  const text = Object.hasOwn(pageFiles, name) ? pageFiles[name] : undefined;
  if (text === undefined) return undefined;
  const type = types[name.slice(name.lastIndexOf(".") + 1)]!;
  return new Response(text, { headers: { "content-type": type } });
}

export const pageRoutes: readonly Route[] = [
  route({
    method: "get",
    path: "/",
    tag,
    summary: "The live page.",
    open: true,
    answers: { 200: { description: "The page.", types: ["text/html"] } },
    answer: async () => (await pageFile("index.html"))!,
  }),
  route({
    method: "get",
    path: "/page/:file",
    tag,
    summary: "A file of the live page.",
    open: true,
    params: z.object({ file: z.string() }),
    answers: {
      200: {
        description: "The file.",
        types: ["text/css", "text/javascript", "image/svg+xml"],
      },
      404: { description: "There is no such file." },
    },
    answer: async ({ params }) =>
      await pageFile(params.file) ?? problem(404, "The page has no such file"),
  }),
];
