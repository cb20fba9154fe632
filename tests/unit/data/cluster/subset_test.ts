/** Subsets: which endpoints have the tags that a rule asks for. */
import { assert, assertEquals } from "@test/assert";
import type { SubsetTags } from "../../../../lib/core/traffic.ts";
import { inSubset } from "../../../../lib/data/cluster/subset.ts";

/** `version` or `version key=value key=value`, one endpoint each. */
function endpointsOf(...texts: readonly string[]) {
  return texts.map((text, index) => {
    const [version = "", ...pairs] = text.split(" ");
    const tags = Object.fromEntries(pairs.map((pair) => pair.split("=")));
    return {
      snapshot: {
        host: "10.0.0.1",
        port: index + 1,
        instanceId: `i${index}`,
        version,
        mesher: false,
        ...(pairs.length === 0 ? {} : { tags }),
      },
    };
  });
}

const fleet = [
  "1.0.0 zone=a color=blue",
  "1.2.0 zone=a color=green",
  "1.10.0 zone=b color=green",
  "1.10.0",
];

const cases: readonly {
  readonly title: string;
  readonly endpoints: readonly string[];
  readonly tags: SubsetTags;
  readonly ports: readonly number[];
}[] = [
  { title: "no tags are all", endpoints: fleet, tags: {}, ports: [1, 2, 3, 4] },
  { title: "a version", endpoints: fleet, tags: { version: "1.2.0" }, ports: [2] },
  { title: "a version that nobody has", endpoints: fleet, tags: { version: "2.0.0" }, ports: [] },
  { title: "a version is no prefix", endpoints: fleet, tags: { version: "1.2" }, ports: [] },
  {
    title: "the latest, by numbers and not by letters",
    endpoints: fleet,
    tags: { version: "latest" },
    ports: [3, 4],
  },
  { title: "a property", endpoints: fleet, tags: { color: "green" }, ports: [2, 3] },
  {
    title: "several properties, all of them",
    endpoints: fleet,
    tags: { color: "green", zone: "a" },
    ports: [2],
  },
  {
    title: "the latest of all, not of those with the property",
    endpoints: fleet,
    tags: { version: "latest", color: "blue" },
    ports: [],
  },
  {
    title: "a property called latest",
    endpoints: ["1.0 color=latest"],
    tags: { color: "latest" },
    ports: [1],
  },
  { title: "values are told apart by case", endpoints: fleet, tags: { color: "Green" }, ports: [] },
  {
    title: "more parts are later",
    endpoints: ["1.0", "1.0.1"],
    tags: { version: "latest" },
    ports: [2],
  },
  {
    title: "what is no number counts as 0",
    endpoints: ["0.0.1", "1.0-beta", "1.0"],
    tags: { version: "latest" },
    ports: [2],
  },
  {
    title: "without versions all are the latest",
    endpoints: ["", ""],
    tags: { version: "latest" },
    ports: [1, 2],
  },
  { title: "of none there is none", endpoints: [], tags: { version: "latest" }, ports: [] },
  {
    title: "what every object has is no property",
    endpoints: ["1.0 a=b"],
    tags: { constructor: "x" },
    ports: [],
  },
];

for (const { title, endpoints, tags, ports } of cases) {
  Deno.test(`subset, ${title}`, () => {
    const found = inSubset(endpointsOf(...endpoints), tags);
    assertEquals(found.map(({ snapshot }) => snapshot.port), ports);
  });
}

Deno.test("subset, is made of the endpoints themselves, in their order", () => {
  const endpoints = endpointsOf(...fleet);
  const found = inSubset(endpoints, { color: "green" });
  assert(found[0] === endpoints[1] && found[1] === endpoints[2]);
});
