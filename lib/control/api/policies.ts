/** The part of the admin API that shows traffic policies and changes them while the sidecar runs. */
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import * as z from "zod";
import { type Mistake, problem } from "./problem.ts";

/** What a change is for. */
export type PolicyPlace =
  | { readonly kind: "service"; readonly name: string }
  | { readonly kind: "provider" }
  | { readonly kind: "group"; readonly group: string };

/** What became of a change: in force with the keys it changed, or refused whole with every mistake in it. */
export type PolicyAnswer =
  | { readonly ok: true; readonly changed: readonly string[] }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] };

/** What this API shows and does. */
export interface PoliciesView {
  /** Names of the groups that can be changed for all services. */
  readonly groups: readonly string[];
  all(): unknown;
  service(name: string): unknown;
  provider(): unknown;
  put(place: PolicyPlace, value: unknown): PolicyAnswer;
  /** Undefined when nothing was changed there. */
  remove(place: PolicyPlace): PolicyAnswer | undefined;
}

const maxBytes = 1024 * 1024;

const anyValue = z.union([z.record(z.string(), z.unknown()), z.array(z.unknown()), z.string()]);

const kept =
  "until this sidecar ends, also over reloads of its configuration; write it into the configuration file to keep it";

/**
 * Makes the app; its paths begin with `/policies`.
 *
 * Shape: bodies are JSON in the vocabulary of the configuration file. Errors: 400 no JSON, 404 no such place or
 * change, 413 too large, 422 refused, all as application/problem+json.
 */
export function createPolicies(view: PoliciesView): Hono {
  const app = new Hono();
  const limit = bodyLimit({
    maxSize: maxBytes,
    onError: () =>
      problem(413, "The change is too large", { detail: `It may have ${maxBytes} bytes.` }),
  });
  app.get("/policies", (context) => context.json(view.all() as object));
  app.get("/policies/provider", (context) => context.json(view.provider() as object));
  app.get(
    "/policies/services/:name",
    (context) => context.json(view.service(context.req.param("name")) as object),
  );

  const noSuchPolicy = () =>
    problem(404, "There is no such policy", {
      detail: `There are services/NAME, provider, ${view.groups.join(", ")}.`,
    });
  const place = (path: string, placeOf: (context: Context) => PolicyPlace | undefined) => {
    app.put(path, limit, async (context) => {
      const at = placeOf(context);
      if (at === undefined) return noSuchPolicy();
      const body = readBody(await context.req.text());
      if (body === undefined) {
        return problem(400, "The body is not a policy", {
          detail: "It has to be JSON, in the vocabulary of the configuration file.",
        });
      }
      return answer(context, view.put(at, body.value));
    });
    app.delete(path, (context) => {
      const at = placeOf(context);
      if (at === undefined) return noSuchPolicy();
      const removed = view.remove(at);
      return removed === undefined
        ? problem(404, "Nothing was changed there")
        : answer(context, removed);
    });
  };
  place("/policies/services/:name", (context) => {
    const name = context.req.param("name");
    return name === undefined ? undefined : { kind: "service", name };
  });
  place("/policies/provider", () => ({ kind: "provider" }));
  place("/policies/:group", (context) => {
    const group = context.req.param("group");
    return group === undefined || !view.groups.includes(group)
      ? undefined
      : { kind: "group", group };
  });
  return app;
}

/** Undefined for what is no JSON, or no policy by its very type. */
function readBody(text: string): { readonly value: unknown } | undefined {
  try {
    const parsed = anyValue.safeParse(JSON.parse(text));
    return parsed.success ? { value: parsed.data } : undefined;
  } catch {
    return undefined;
  }
}

function answer(context: Context, result: PolicyAnswer): Response {
  if (result.ok) return context.json({ changed: result.changed, kept });
  return problem(422, "The policy is not valid", {
    detail: "The change is refused whole; nothing has changed.",
    mistakes: result.mistakes,
  });
}
