/** What the document says of the paths below /policies, which have a router of their own. */
import * as z from "zod";
import type { Answer, RouteDescription } from "./route.ts";

const tag = "policies";
const policy = z.looseObject({});
const change = z.union([z.looseObject({}), z.array(z.unknown()), z.string()])
  .describe("In the vocabulary of the configuration file.");
const changed = z.object({ changed: z.array(z.string()), kept: z.string() });

const shown: Readonly<Record<number, Answer>> = {
  200: { description: "The policy with the origin of every value.", schema: policy },
};
const gone: Readonly<Record<number, Answer>> = {
  200: { description: "Taken away; the configuration's own is in force again.", schema: changed },
  404: { description: "Nothing was changed there." },
};
const put: Readonly<Record<number, Answer>> = {
  200: { description: "In force until this sidecar ends.", schema: changed },
  404: { description: "There is no such policy." },
  413: { description: "The change is too large." },
  422: { description: "The change is refused whole, with every mistake." },
};

export const policyDescriptions: readonly RouteDescription[] = [
  {
    method: "get",
    path: "/policies",
    tag,
    summary: "All traffic policies in force.",
    answers: shown,
  },
  ...[
    { path: "/policies/provider", what: "for callers of the own application" },
    {
      path: "/policies/services/:name",
      what: "for calls to one service",
      params: z.object({ name: z.string() }),
    },
  ].map(({ path, what, params }): RouteDescription => ({
    method: "get",
    path,
    tag,
    summary: `The policy ${what}.`,
    ...(params === undefined ? {} : { params }),
    answers: shown,
  })),
  ...[
    { path: "/policies/provider", what: "for callers of the own application" },
    {
      path: "/policies/services/:name",
      what: "for calls to one service",
      params: z.object({ name: z.string() }),
    },
    {
      path: "/policies/:group",
      what: "of one group for all services",
      params: z.object({ group: z.string() }),
    },
  ].flatMap(({ path, what, params }): readonly RouteDescription[] => {
    const same = { path, tag, ...(params === undefined ? {} : { params }) };
    return [
      {
        ...same,
        method: "put",
        summary: `Changes the policy ${what}.`,
        body: change,
        answers: put,
      },
      { ...same, method: "delete", summary: `Takes back the change ${what}.`, answers: gone },
    ];
  }),
];
