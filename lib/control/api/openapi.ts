/** The OpenAPI document, made of the same table that the router is made of. */
import * as z from "zod";
import type { Answer, RouteDescription } from "./route.ts";

export interface DocumentOptions {
  readonly version: string;
}

/** Of every refusal. */
const problemSchema = z.object({
  title: z.string(),
  status: z.number(),
  detail: z.string().optional(),
  mistakes: z.array(z.object({ where: z.string(), problem: z.string() })).optional(),
});

/** Shape: an OpenAPI 3.1 document as a plain value. */
export function openApiDocument(
  routes: readonly RouteDescription[],
  { version }: DocumentOptions,
): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const description of routes) {
    (paths[documentPath(description.path)] ??= {})[description.method] = operation(description);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "mesher admin API",
      version,
      description: "What a running sidecar knows, and what can be asked of it.",
    },
    servers: [{ url: "/" }],
    tags: [...new Set(routes.map((one) => one.tag))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        token: {
          type: "http",
          scheme: "bearer",
          description: "The admin_token of the configuration, where one is set.",
        },
      },
      schemas: { Problem: schemaOf(problemSchema, "output") },
    },
  };
}

/** `/services/:name` as OpenAPI writes it. A wildcard at the end is a parameter too. */
export function documentPath(path: string): string {
  return path.replace(/:(\w+)(?:\{[^}]*\})?/g, "{$1}").replace(/\*$/, "{rest}");
}

function operation(description: RouteDescription): Record<string, unknown> {
  const { method, path, tag, summary, open, params, query, body, answers } = description;
  const parameters = [...fieldsOf("path", params), ...fieldsOf("query", query)];
  const words = path.replace(/[^A-Za-z0-9]+/g, " ").trim().split(" ").filter((word) => word !== "");
  const changes = method !== "get";
  return {
    operationId: [method, ...words].join("_"),
    tags: [tag],
    summary,
    security: open === true ? [] : [{ token: [] }, {}],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : {
      requestBody: {
        required: true,
        content: { "application/json": { schema: schemaOf(body, "input") } },
      },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [
          status,
          answerOf(Number(status), answer),
        ]),
      ),
      ...(params === undefined && query === undefined && body === undefined
        ? {}
        : { 400: refusal("The request is not understood.") }),
      ...(open === true ? {} : { 401: refusal("The token is missing or wrong.") }),
      ...(changes
        ? {
          403: refusal("A page from elsewhere may not change anything."),
          415: refusal("The content type is not application/json."),
        }
        : {}),
    },
  };
}

function refusal(description: string): Record<string, unknown> {
  return {
    description,
    content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
  };
}

function answerOf(status: number, { description, schema, types }: Answer): Record<string, unknown> {
  if (schema === undefined && types === undefined) {
    return status >= 400 ? refusal(description) : { description };
  }
  const value = schema === undefined ? { type: "string" } : schemaOf(schema, "output");
  return {
    description,
    content: Object.fromEntries(
      (types ?? ["application/json"]).map((type) => [type, { schema: value }]),
    ),
  };
}

function fieldsOf(place: "path" | "query", schema: z.ZodObject | undefined): readonly unknown[] {
  if (schema === undefined) return [];
  const whole = schemaOf(schema, "input");
  const required = new Set((whole["required"] ?? []) as readonly string[]);
  return Object.entries((whole["properties"] ?? {}) as Record<string, Record<string, unknown>>)
    .map(([name, { description, ...field }]) => ({
      name,
      in: place,
      required: place === "path" || required.has(name),
      ...(description === undefined ? {} : { description }),
      schema: field,
    }));
}

function schemaOf(schema: z.ZodType, io: "input" | "output"): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return rest;
}
