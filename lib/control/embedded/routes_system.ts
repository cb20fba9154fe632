/** Routes about the registry itself: health, version, readiness, clusters. */
import { json } from "./answers.ts";
import type { Handler, Route } from "./call.ts";
import { cacheOf } from "./records.ts";
import type { FindPlaces } from "./find.ts";

/** What the version call says about this build. */
export interface BuildInfo {
  readonly version: string;
  readonly os: string;
  readonly arch: string;
}

/** Routes by the base they belong to. */
export interface SystemRoutes {
  readonly registry: readonly Route[];
  readonly admin: readonly Route[];
  readonly root: readonly Route[];
}

/** The routes. */
export function systemRoutes(places: FindPlaces, build: BuildInfo): SystemRoutes {
  const health: Handler = () => {
    const { service } = places.own.instance;
    return json(`{"instances":[${cacheOf(service).listed}]}`);
  };
  const version = (apiVersion: string): Handler => () =>
    json({
      version: build.version,
      buildTag: `mesher ${build.version}`,
      // Clients read this field as text; there is no Go in here.
      goVersion: "none",
      os: build.os,
      arch: build.arch,
      apiVersion,
    });
  return {
    registry: [
      { path: "/health", methods: { GET: health } },
      // The original has no such path, which makes new clients try a bare connection instead; an answer is better.
      { path: "/health/readiness", methods: { GET: () => json({}) } },
      { path: "/version", methods: { GET: version("4.0.0") } },
    ],
    admin: [
      {
        path: "/clusters",
        methods: {
          GET: () => {
            const address = places.own.instance.endpoints[0]!.replace(/^rest/, "http");
            return json({ clusters: { default: [address.replace(/\/$/, "")] } });
          },
        },
      },
    ],
    root: [
      { path: "/health", methods: { GET: health } },
      { path: "/version", methods: { GET: version("3.0.0") } },
    ],
  };
}
