/** The plain programs of the demo: they know nothing of mesher, only `http_proxy` and names. */
import { serveHttp } from "../platform/http_server.ts";
import { exit, type Io } from "./io.ts";

/** Answers who it is. */
function account(name: string): (request: Request) => Response {
  let calls = 0;
  return (request) => {
    calls++;
    const { pathname } = new URL(request.url);
    return Response.json({ instance: name, path: pathname, calls });
  };
}

/** Calls AccountService by its name for every call it gets. */
async function store(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const answer = await fetch(`http://AccountService${pathname}`, { method: request.method });
  return new Response(await answer.text(), { status: answer.status });
}

/** `demo-app account|store PORT NAME`. */
export async function runDemoApp({ args, stderr }: Io): Promise<number> {
  const [what, port = "", name = ""] = args;
  if (what !== "account" && what !== "store") {
    stderr("mesher: demo-app wants account or store\n");
    return exit.usage;
  }
  serveHttp({ host: "127.0.0.1", port: Number(port) }, what === "account" ? account(name) : store);
  await new Promise(() => {});
  return exit.ok;
}
