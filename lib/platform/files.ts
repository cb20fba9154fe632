/** Small files of the state folder on the real disk, replaced whole or not at all. */
import type { Files } from "../core/ports.ts";

let written = 0;

/** Files whose folder was searched for what a killed process left behind. */
const tidied = new Set<string>();

// Younger ones may belong to another sidecar that is writing right now.
const abandonedAfterMs = 60_000;

/**
 * The file system of the process.
 *
 * Shape: `replace` makes the folder when it is missing; files are for the own user only (0600), folders too (0700).
 * Two replacements of one path at the same time both succeed and leave one of the two texts whole.
 */
export const realFiles: Files = {
  async read(path) {
    try {
      return await Deno.readTextFile(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  },

  async replace(path, text) {
    const folder = folderOf(path);
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    if (!tidied.has(path)) {
      tidied.add(path);
      await removeAbandoned(folder, path).catch(() => {});
    }
    // Beside the target, because a rename is atomic only within one file system.
    const temporary = `${path}.${Deno.pid}-${written++}.tmp`;
    try {
      await writeSynced(temporary, text);
      await Deno.rename(temporary, path);
    } catch (error) {
      await Deno.remove(temporary).catch(() => {});
      throw error;
    }
    await syncFolder(folder);
  },

  async setAside(path, suffix) {
    try {
      await Deno.rename(path, path + suffix);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  },
};

async function writeSynced(path: string, text: string): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  await file.sync();
}

async function removeAbandoned(folder: string, path: string): Promise<void> {
  const base = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  for await (const { name } of Deno.readDir(folder)) {
    const rest = name.startsWith(`${base}.`) ? name.slice(base.length + 1) : "";
    if (!/^\d+-\d+\.tmp$/.test(rest)) continue;
    const { mtime } = await Deno.stat(`${folder}/${name}`);
    if (mtime && Date.now() - mtime.getTime() > abandonedAfterMs) {
      await Deno.remove(`${folder}/${name}`);
    }
  }
}

/** Makes the rename itself survive a power cut, where the system lets a folder be opened. */
async function syncFolder(folder: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  try {
    using handle = await Deno.open(folder);
    await handle.sync();
  } catch {
    // Some file systems refuse to sync a folder; the file itself is complete by now.
  }
}

function folderOf(path: string): string {
  const end = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return end < 0 ? "." : path.slice(0, end) || "/";
}
