/** A program that does nothing beside one thread that does nothing: what the base runtime costs by itself. */
import { compile } from "./compile.ts";
import { hostTarget } from "./targets.ts";

const main =
  `const worker = new Worker(new URL("./thread.ts", import.meta.url), { type: "module" });
worker.onmessage = () => console.error("up");
setInterval(() => {}, 1 << 30);
`;
const thread = "postMessage(1);\nsetInterval(() => {}, 1 << 30);\n";

/** Compiles it the way mesher is compiled. Shape: its path. */
export async function compileEmpty(folder: string): Promise<string> {
  await Deno.writeTextFile(`${folder}/main.ts`, main);
  await Deno.writeTextFile(`${folder}/thread.ts`, thread);
  const output = `${folder}/empty`;
  await compile({ folder, main: "main.ts", include: ["thread.ts"] }, hostTarget(), output);
  return output;
}
