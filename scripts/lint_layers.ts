export default { name: "mesher", rules: {} } satisfies Deno.lint.Plugin;
