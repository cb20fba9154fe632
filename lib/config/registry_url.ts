/** The leaf that says which registry is used: one URL whose scheme chooses the backend. */
import { leaf, Refusal } from "./leaf.ts";

export type RegistryChoice =
  /** The registry on 127.0.0.1:30100; the first sidecar on the host serves it. */
  | { readonly kind: "auto" }
  /** Service Center. Shape: origins such as `http://10.0.0.5:30100`, at least one. */
  | { readonly kind: "servicecenter"; readonly urls: readonly string[] }
  /** A YAML list of instances in a file. */
  | { readonly kind: "file"; readonly path: string }
  /** This process serves the registry itself. */
  | { readonly kind: "embedded" };

const notYet = ["consul", "etcd", "nacos", "eureka", "kubernetes", "dns"] as const;
const forms =
  "write for example http://10.0.0.5:30100, file:///etc/mesher/services.yaml, embedded: or auto";

function readServiceCenter(text: string): RegistryChoice | Refusal {
  const scheme = text.startsWith("https:") ? "https" : "http";
  const urls: string[] = [];
  for (const part of text.split(",").map((part) => part.trim()).filter((part) => part !== "")) {
    const full = /^[a-z]+:\/\//i.test(part) ? part : `${scheme}://${part}`;
    const url = URL.canParse(full) ? new URL(full) : undefined;
    if (url === undefined || url.hostname === "" || !/^https?:$/.test(url.protocol)) {
      return new Refusal(`is not a list of registry URLs; ${forms}`);
    }
    if (url.username !== "" || url.password !== "") {
      return new Refusal(
        "holds a user name or password, which this version cannot use; leave it out",
      );
    }
    if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
      return new Refusal("has more than scheme, host and port; leave the rest out");
    }
    urls.push(url.origin);
  }
  if (new Set(urls.map((url) => url.startsWith("https:"))).size > 1) {
    return new Refusal("mixes http and https; use one of them for all registry addresses");
  }
  return { kind: "servicecenter", urls };
}

function readFileUrl(text: string): RegistryChoice | Refusal {
  const wrong = new Refusal(
    "is not the URL of a file; write three slashes and the whole path, for example file:///etc/mesher/services.yaml",
  );
  if (!/^file:\/\/\/[^/]/.test(text) || !URL.canParse(text)) return wrong;
  try {
    const path = decodeURIComponent(new URL(text).pathname);
    return { kind: "file", path: path.replace(/^\/(?=[A-Za-z]:\/)/, "") };
  } catch {
    return wrong;
  }
}

/** Reads the text of `registry`. */
function readRegistry(value: unknown): RegistryChoice | Refusal {
  if (typeof value !== "string") return new Refusal(`is not a registry URL; ${forms}`);
  const text = value.trim();
  if (text === "auto") return { kind: "auto" };
  if (/^embedded(:(\/\/)?)?$/.test(text)) return { kind: "embedded" };
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === "http" || scheme === "https") return readServiceCenter(text);
  if (scheme === "file") return readFileUrl(text);
  if (notYet.some((known) => known === scheme)) {
    return new Refusal(
      `needs the registry backend ${scheme}, which this version does not have yet; ${forms}`,
    );
  }
  const address = `http://${text}`;
  const bare = /^[^\s/@]+:\d+$/.test(text) && URL.canParse(address);
  return new Refusal(`is not a registry URL; ${forms}`, bare ? { suggestion: address } : {});
}

function writeRegistry(registry: RegistryChoice): string {
  switch (registry.kind) {
    case "auto":
      return "auto";
    case "embedded":
      return "embedded:";
    case "servicecenter":
      return registry.urls.join(",");
    case "file": {
      const path = registry.path.split("/").map(encodeURIComponent).join("/");
      return `file://${path.startsWith("/") ? "" : "/"}${path.replace(/^([A-Za-z])%3A/, "$1:")}`;
    }
  }
}

export function registryUrl() {
  return leaf<RegistryChoice>({ read: readRegistry, write: writeRegistry }).prefault("auto");
}
