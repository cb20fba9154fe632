/** The small text files of one folder. */

export interface FolderText {
  readonly name: string;
  readonly text: string;
}

/** Reads the files that are wanted, in the order of their names. Errors: what the system says, the folder named. */
export async function readTextFolder(
  path: string,
  wanted: (name: string) => boolean,
): Promise<readonly FolderText[]> {
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(path)) {
      // Mounted folders of containers hold links to files.
      if (!entry.isDirectory && wanted(entry.name)) names.push(entry.name);
    }
  } catch (cause) {
    const why = cause instanceof Deno.errors.NotFound ? "does not exist" : "cannot be read";
    throw new Error(`the folder ${path} ${why}`, { cause });
  }
  names.sort();
  return await Promise.all(
    names.map(async (name) => ({ name, text: await Deno.readTextFile(`${path}/${name}`) })),
  );
}
