/** Lint plugin of the project: one table says who may import whom; a few more rules keep the style. */

/** One folder (or file) and what its modules may import besides their own folder. */
export interface Layer {
  /** Folder with a trailing slash, or one file; both relative to the root of the repository. */
  readonly path: string;
  readonly mayImport: readonly string[];
  /** Layers of which only types may be imported. */
  readonly mayImportTypes?: readonly string[];
  /** Packages from the import map; `node:` stands for all of node's own modules. */
  readonly packages?: readonly string[];
  /** Whether the `Deno` global may be used; everyone else gets functions passed in. */
  readonly mayUseDeno?: boolean;
}

const all = ["lib/", "main.ts"] as const;
const shared = ["lib/core/", "lib/plane/"] as const;

/**
 * Who may import whom.
 *
 * Shape: a module belongs to the first row whose path contains it, so narrower paths come first. A path in
 * `mayImport` allows everything below it.
 */
export const layers: readonly Layer[] = [
  { path: "lib/core/", mayImport: [] },
  { path: "lib/plane/", mayImport: ["lib/core/"], packages: ["node:"], mayUseDeno: true },
  // Of config only the watcher touches the system.
  {
    path: "lib/config/watch.ts",
    mayImport: ["lib/core/", "lib/config/"],
    mayUseDeno: true,
  },
  { path: "lib/config/", mayImport: ["lib/core/"], packages: ["@std/yaml", "zod"] },

  { path: "lib/data/net/", mayImport: shared, packages: ["node:"], mayUseDeno: true },
  { path: "lib/data/http1/", mayImport: ["lib/data/net/", ...shared] },
  { path: "lib/data/http2/", mayImport: ["lib/data/net/", ...shared] },
  {
    path: "lib/data/routing/",
    mayImport: ["lib/core/"],
    mayImportTypes: ["lib/plane/"],
    packages: ["hono"],
  },
  { path: "lib/data/balance/", mayImport: ["lib/core/"], mayImportTypes: ["lib/plane/"] },
  { path: "lib/data/resilience/", mayImport: ["lib/core/"], mayImportTypes: ["lib/plane/"] },
  { path: "lib/data/trace/", mayImport: ["lib/core/"], mayImportTypes: ["lib/plane/"] },
  {
    path: "lib/data/cluster/",
    mayImport: ["lib/data/balance/", "lib/data/resilience/", "lib/data/net/", ...shared],
  },
  // The path of one request, and the thread's entry with what lies beside it.
  { path: "lib/data/", mayImport: ["lib/data/", ...shared] },

  { path: "lib/control/registry/", mayImport: shared, packages: ["hono", "zod"] },
  { path: "lib/control/embedded/", mayImport: shared, packages: ["hono", "zod"] },
  { path: "lib/control/health/", mayImport: shared },
  {
    path: "lib/control/telemetry/",
    // What bounds one step in time is about no registry.
    mayImport: ["lib/control/registry/deadline.ts", ...shared],
    packages: ["hono"],
  },
  { path: "lib/control/discovery/", mayImport: ["lib/control/registry/", ...shared] },
  {
    path: "lib/control/api/",
    mayImport: ["lib/control/telemetry/", ...shared],
    mayImportTypes: ["lib/control/"],
    packages: ["hono", "zod"],
  },

  { path: "lib/platform/", mayImport: shared, packages: ["node:"], mayUseDeno: true },
  { path: "lib/cli/", mayImport: all },
  { path: "lib/app/", mayImport: all, packages: ["@std/yaml"] },
  { path: "main.ts", mayImport: all, mayUseDeno: true },
];

/** How a layer is named in messages: `lib/control/health/` is `control/health`. */
function layerName(path: string): string {
  return path.replace(/^lib\//, "").replace(/\/$/, "") || "lib";
}

function covers(path: string, file: string): boolean {
  return path.endsWith("/") ? file.startsWith(path) : file === path;
}

/** The row of a module. Shape: undefined for tests, scripts and anything outside lib and main.ts. */
function layerOf(file: string): Layer | undefined {
  return layers.find((layer) => covers(layer.path, file));
}

// The plugin lies in scripts/, so the root of the repository is one folder up.
const root = decodeURIComponent(new URL("../", import.meta.url).pathname)
  .replace(/^\/(?=[A-Za-z]:)/, "");

/** A file name as the linter gives it, relative to the root with forward slashes. */
function relativeName(fileName: string): string {
  const name = fileName.replaceAll("\\", "/").replace(/^file:\/\//, "");
  return name.startsWith(root) ? name.slice(root.length) : name.replace(/^\.\//, "");
}

/** The module that a relative specifier names. Shape: undefined when it leaves the repository. */
function resolveSpecifier(from: string, specifier: string): string | undefined {
  const parts = from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") {
      if (parts.pop() === undefined) return undefined;
    } else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/** `hono/router` is `hono`, `@std/yaml/parse` is `@std/yaml`, `node:dns` is `node:`. */
function packageOf(specifier: string): string {
  if (specifier.startsWith("node:")) return "node:";
  const parts = specifier.split("/");
  return specifier.startsWith("@") ? parts.slice(0, 2).join("/") : parts[0]!;
}

/** What a layer may import, as the end of a message. */
function permitted(layer: Layer): string {
  const words = layer.mayImport.map(layerName);
  words.push(...(layer.mayImportTypes ?? []).map((path) => `types of ${layerName(path)}`));
  return words.length === 0 ? "nothing but its own folder" : words.join(", ");
}

/**
 * Judges one import.
 *
 * Shape: pure; undefined when the import is allowed, else the sentence to report.
 */
export function importFault(
  file: string,
  specifier: string,
  options: { readonly typeOnly: boolean },
): string | undefined {
  const layer = layerOf(file);
  if (!layer) {
    return file.startsWith("lib/")
      ? `${file} belongs to no layer; add its folder to the table in scripts/lint_layers.ts`
      : undefined;
  }
  const own = layerName(layer.path);
  if (!specifier.startsWith(".")) {
    const name = packageOf(specifier);
    if (layer.packages?.includes(name)) return undefined;
    const may = layer.packages?.join(", ") ?? "no package";
    return `${own} must not import the package "${specifier}"; it may import ${may}`;
  }
  const target = resolveSpecifier(file, specifier);
  if (target !== undefined) {
    if (layer.path.endsWith("/") && covers(layer.path, target)) return undefined;
    if (layer.mayImport.some((path) => covers(path, target))) return undefined;
    const asType = layer.mayImportTypes?.some((path) => covers(path, target)) ?? false;
    if (asType && options.typeOnly) return undefined;
    if (asType) {
      return `${own} may import only types from ${target}; write "import type", or pass the value in`;
    }
  }
  const shown = target ?? specifier;
  const targetLayer = target === undefined ? undefined : layerOf(target);
  const of = targetLayer ? ` (${layerName(targetLayer.path)})` : "";
  return `${own} must not import ${shown}${of}; it may import ${permitted(layer)}`;
}

interface Specifier {
  readonly type: string;
  readonly importKind?: string;
  readonly exportKind?: string;
}

/** True when a declaration brings in types only, by its own keyword or by that of every name. */
function isTypeOnly(kind: string, specifiers: readonly Specifier[]): boolean {
  if (kind === "type") return true;
  return specifiers.length > 0 &&
    specifiers.every((one) => one.importKind === "type" || one.exportKind === "type");
}

const layersRule: Deno.lint.Rule = {
  create(context) {
    const file = relativeName(context.filename);
    const judge = (node: Deno.lint.Node, specifier: string, typeOnly: boolean): void => {
      const message = importFault(file, specifier, { typeOnly });
      if (message !== undefined) context.report({ node, message });
    };
    return {
      ImportDeclaration(node) {
        judge(node, node.source.value, isTypeOnly(node.importKind, node.specifiers));
      },
      ExportNamedDeclaration(node) {
        if (!node.source) return;
        judge(node, node.source.value, isTypeOnly(node.exportKind, node.specifiers));
      },
      ExportAllDeclaration(node) {
        judge(node, node.source.value, node.exportKind === "type");
      },
      ImportExpression(node) {
        const source = node.source;
        if (source.type === "Literal" && typeof source.value === "string") {
          judge(node, source.value, false);
        }
      },
      TSImportType(node) {
        const argument = node.argument;
        const literal = argument.type === "TSLiteralType" ? argument.literal : argument;
        if (literal.type === "Literal" && typeof literal.value === "string") {
          judge(node, literal.value, true);
        }
      },
    };
  },
};

const denoRule: Deno.lint.Rule = {
  create(context) {
    const file = relativeName(context.filename);
    const layer = layerOf(file);
    if (!layer || layer.mayUseDeno) return {};
    const places = layers.filter((one) => one.mayUseDeno).map((one) => layerName(one.path));
    return {
      'MemberExpression[object.type="Identifier"][object.name="Deno"]'(node: Deno.lint.Node) {
        context.report({
          node,
          message: `${layerName(layer.path)} must not use the Deno global; take a function from ` +
            `lib/core/ports.ts as an argument (allowed only in ${places.join(", ")})`,
        });
      },
    };
  },
};

const barrelRule: Deno.lint.Rule = {
  create(context) {
    if (!relativeName(context.filename).startsWith("lib/")) return {};
    return {
      Program(node) {
        const imported = new Set<string>();
        let reExports = 0;
        for (const statement of node.body) {
          if (statement.type === "ImportDeclaration") {
            for (const one of statement.specifiers) imported.add(one.local.name);
          } else if (statement.type === "ExportAllDeclaration") reExports++;
          else if (statement.type === "ExportNamedDeclaration" && !statement.declaration) {
            const passedOn = statement.source !== null ||
              statement.specifiers.every((one) =>
                one.local.type === "Identifier" && imported.has(one.local.name)
              );
            if (!passedOn) return;
            reExports += statement.specifiers.length;
          } else return;
        }
        if (reExports === 0) return;
        context.report({
          node,
          message: "this file only re-exports; import from the files that hold the things instead",
        });
      },
    };
  },
};

const styleRule: Deno.lint.Rule = {
  create(context) {
    const file = relativeName(context.filename);
    const product = file.startsWith("lib/") || file === "main.ts";
    return {
      ExportDefaultDeclaration(node) {
        if (!file.startsWith("lib/")) return;
        context.report({ node, message: "no default export in lib; export it by its name" });
      },
      TSAnyKeyword(node) {
        if (!product) return;
        context.report({ node, message: "no any; use unknown and narrow it, or a union" });
      },
      TSEnumDeclaration(node) {
        context.report({ node, message: "no enum; use a union of string literals" });
      },
      TSModuleDeclaration(node) {
        context.report({ node, message: "no namespace; a file is the unit of grouping" });
      },
    };
  },
};

export default {
  name: "mesher",
  rules: {
    layers: layersRule,
    "deno-global": denoRule,
    "no-barrel": barrelRule,
    style: styleRule,
  },
} satisfies Deno.lint.Plugin;
